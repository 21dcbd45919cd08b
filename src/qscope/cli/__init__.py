"""The command line: parse arguments, call one function, render, exit. One module a subcommand."""
