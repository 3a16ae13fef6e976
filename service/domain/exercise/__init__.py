"""Whether somebody may exercise, how hard, and a FITT prescription from the rule table. Pure."""
