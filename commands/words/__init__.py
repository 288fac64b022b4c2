"""What commands print: for programs as dictionaries (`..._as_dict`), for people as lines (`..._as_lines`)."""
