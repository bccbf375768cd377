"""The programs are run by tests, on several ranks; they are no tests themselves."""

collect_ignore = ["programs"]
