"""The web app: each page is a route, a way through the house, and a template of one name."""
