"""The pure core: money, prices, windows, scopes, budgets, admission. No I/O and no clock."""
