"""The kinds of protocols that come with the package: every module here declares its `PLUGS`."""
