"""The site as a browser sees it, `make test-site`; needs the extra docs, the site and Chromium."""
