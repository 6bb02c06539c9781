"""The local web app: pages a person works with on their own machine, served on loopback to whoever has the link."""
