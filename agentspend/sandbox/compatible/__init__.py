"""Servers that copy OpenAI's and Anthropic's shapes: each with its prices and its own differences.

A request to `/as/<server>/…` is answered as that server would. What they differ in is what their
documentation and the pricing study (§3.2) say; none of them was called.
"""
