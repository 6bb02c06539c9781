"""The kinds of judges that come with the package: every module here declares its `PLUGS`. A new kind is a new file with
its card, its judge and its plug."""
