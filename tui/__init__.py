"""The live screen: the only place that may import Textual. It is handed snapshots."""
