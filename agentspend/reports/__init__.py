"""What was spent, added up for people and their tools: periods, words to add up by, roll-ups.

Pure: rows of sums come in, lines go out; the moment and the zone are arguments.
"""
