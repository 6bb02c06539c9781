"""The tasks that come with the package: every module here declares its `PLUGS`. A target is a function that returns a
`Task`."""
