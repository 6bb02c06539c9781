"""What a submission is: its form, its evidence, the rules it keeps."""
