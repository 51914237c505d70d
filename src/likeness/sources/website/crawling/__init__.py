"""The process that crawls. Nothing outside of it imports this package: it brings in Scrapy."""
