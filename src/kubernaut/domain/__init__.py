"""The nouns of the product, each defined once. Pure values: nothing here waits, reads or writes.

Signal      one alert or event, as it came in (`signals`)
Incident    one problem of one object, from its first signal to its end (`incidents`, `lifecycle`)
Evidence    a fact that was read, citable (`evidence`)
Diagnosis   hypotheses with computed confidence, best first (`diagnosis`)
Plan        what is going to be done, or why nothing is (`plans`)
Change      one write to one object, as a value (`changes`)
Intent      what is stored before the write: change, snapshot, way back (`execution`)
Verification whether it helped (`execution`)
Event       what happened to an incident; every figure is computed from these (`journal`)
Pattern     a finished incident as it is remembered (`learning`)
"""
