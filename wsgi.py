"""`gunicorn wsgi` in a checkout; the same as `gunicorn app.wsgi`."""

from app.wsgi import application

__all__ = ["application"]
