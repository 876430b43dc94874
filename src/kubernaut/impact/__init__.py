"""What an incident took and what it was worth, computed from its events and from declared inputs alone.

Keys of event bodies that are read here (a duration is in seconds, an object is the value dumped as JSON):

received     starts_at: when the alert says the impact began
diagnosed    diagnosis
model_asked  requests, tokens, ok, took_s
applied      execution {applied}
verified     verification {effect}; healthy_at: when the target was first seen healthy, where that was earlier
undone       execution {applied}
closed       ending
"""
