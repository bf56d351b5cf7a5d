"""The allowance protocol: what a device may spend of its team's pools while nobody answers.

The server hands out rights; a device spends only rights it holds. The rights of one account, one
(incarnation, pool, window), are three numbers that only grow: *granted* (written by the server),
*returned* and *used* (written by the device, both a fold over its hash chain). Merging takes the
larger number or the longer chain, so lost, doubled, late and reordered messages change nothing.

The theorem, per pool and window: what is spent never passes max(cap, what was committed when the
cap was last lowered).

1. A request is held in every pool it matches before it leaves, in one transaction (R1), costs at
   most its hold, and ends in one settle (R2) or, after a crash, in full (R3). So an incarnation's
   real spending is at most `used + held`, which is at most `granted - returned` as it knows them.
2. It knows no more granted than the server has written, for the server commits before it answers
   (R8, R9); the server knows no more returned than the device has written, for the device commits
   before it sends (R4, R7). So real spending is at most what the server counts as committed.
3. Only a grant raises the committed sum of a pool, and by no more than is available there (R8).
4. Each number has one writer, so no fault of the network changes 1 to 3. No clock occurs in them.

Pure: no I/O, no clock, no randomness; ids and moments are arguments. R1-R10 are the rules of the
protocol study §2.4.
"""
