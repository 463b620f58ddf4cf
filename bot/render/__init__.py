"""What is made for people to look at: pictures, charts, calendars, tables."""
