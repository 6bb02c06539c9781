"""The models that come with the package: every module here declares its `PLUGS`. Nothing heavy is imported for that:
targets are words."""
