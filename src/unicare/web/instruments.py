"""What is counted and timed for Prometheus; no label ever comes from what a visitor sends."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["METRICS_TYPE", "Instruments"]

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Instruments:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "unicare_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "unicare_http_request_seconds",
            "Time until the answer was sent",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._at_once = Gauge(
            "unicare_http_requests_in_progress", "Requests being answered", registry=self.registry
        )

    def began(self) -> None:
        """A request has come."""
        self._at_once.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request is answered.

        Args:
            method: as sent; those that nobody needs are counted together.
            route: the route's template, never the address.
            status: of the answer.
            seconds: since it came.
        """
        known = method if method in _METHODS else "other"
        self._at_once.dec()
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)
