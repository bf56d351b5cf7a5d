"""The doors: HTTP for devices and for people, and the lines that are held open to devices."""
