"""All but the tests here is for type checkers to read, not to be run."""

collect_ignore_glob = ["[!t]*.py"]
