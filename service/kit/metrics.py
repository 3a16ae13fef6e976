"""Counters and times by route template and status. No label ever holds an id or a value."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

requests = Counter(
    "kangma_requests_total",
    "Requests answered.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
seconds = Histogram(
    "kangma_request_seconds",
    "Time from the first byte in to the last byte out, without waits for the beat, seconds.",
    ("route",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)

integrity = Counter(
    "kangma_integrity_faults_total",
    "Stored values that did not open where they lay: somebody should run kangma db verify.",
    registry=REGISTRY,
)
unlogged_openings = Counter(
    "kangma_unlogged_openings_total",
    "Classes opened for somebody else without an entry in the access log. Not 0: find out why.",
    registry=REGISTRY,
)
unusual_reading = Counter(
    "kangma_unusual_reading_total",
    "Practitioners who read three times as many patients as they usually do in a day.",
    registry=REGISTRY,
)
reconciliation_differences = Counter(
    "kangma_reconciliation_differences_total",
    "Days on which the access log does not tell what the vault opened. Not 0: find out why.",
    registry=REGISTRY,
)
reconciled_until = Gauge(
    "kangma_reconciled_until_timestamp_seconds",
    "End of the last day that was compared with the access log; 0 before the first look.",
    registry=REGISTRY,
)


def text() -> bytes:
    """All metrics of this process in the Prometheus text format."""
    return generate_latest(REGISTRY)
