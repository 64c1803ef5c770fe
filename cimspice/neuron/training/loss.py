"""What is minimised: the published loss, and a penalty that keeps membranes in the circuit's range."""

from __future__ import annotations

import numpy as np

from cimspice.arrays import checked_array


def decision_loss(
    spike_times: np.ndarray, labels: np.ndarray, temperature: float
) -> tuple[float, np.ndarray]:
    """Cross-entropy of softmax(−t/τ): the earliest output spike is the decision.

    ``spike_times`` (batch, classes) in phases, ``labels`` (batch,) from 0, ``temperature`` τ in phases.
    Returns the mean over the batch and its gradient (batch, classes).
    """
    shape = (len(spike_times),)
    labels = checked_array("labels", labels, shape, low=0, high=spike_times.shape[1] - 1, whole=True)
    logits = -(spike_times - spike_times.min(axis=1, keepdims=True)) / temperature
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    batch = np.arange(len(labels))
    wanted = np.maximum(shares[batch, labels], np.finfo(float).tiny)
    gradient = shares
    gradient[batch, labels] -= 1.0
    return float(-np.log(wanted).mean()), -gradient / (temperature * len(labels))


def temporal_penalty(spike_times: np.ndarray, reference: float) -> tuple[float, np.ndarray]:
    """Σ over outputs of (t − reference)², mean over the batch, with its gradient; times in phases."""
    distance = spike_times - reference
    return float(np.sum(distance**2) / len(distance)), 2.0 * distance / len(distance)


def excursion_penalty(membranes: np.ndarray, low: float, high: float) -> tuple[float, np.ndarray]:
    """Σ over neurons (and instants) of squared distance outside [low, high], mean over the batch; gradient.

    ``membranes`` is v, (batch, out) or (instants, batch, out), in thresholds.
    """
    outside = membranes - np.clip(membranes, low, high)
    batch = membranes.shape[-2]
    return float(np.sum(outside**2) / batch), 2.0 * outside / batch
