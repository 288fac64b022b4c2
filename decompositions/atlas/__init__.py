"""The atlas: for every format of matrix products the cheapest recipe that the rules make of given leaves."""
