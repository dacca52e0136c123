"""Models that ship: NAME.pt, its card NAME.md, and a picture NAME.png."""
