"""Sharpness: the largest eigenvalue of the Hessian of the loss. It limits which learning rates are stable."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mlpviz.trainer import Trainer

PROBE_IMAGES = 512
PARTS = 8  # of the probe, to estimate how much the value depends on the images
COLD, WARM = 24, 5  # Hessian-vector products at most, without and with a vector to start from
LARGE = 600_000  # with more parameters than this, the probe has fewer images
TOLERANCE = 0.01  # relative to the eigenvalue


@dataclass(frozen=True, eq=False)
class Sharpness:
    """The largest eigenvalue of the Hessian of the mean cross-entropy over a probe, in nats per squared unit of θ.

    Attributes:
        value: vᵀHv, a lower bound of the largest eigenvalue on this probe.
        residual: ‖Hv − value·v‖: H has an eigenvalue within that distance of `value`.
        standard_error: of the mean over the probe's images, estimated from the values of vᵀHv on its parts.
        vector: v, (parameters,), the start of the next measurement.
    """

    value: float
    residual: float
    standard_error: float
    vector: Tensor

    def band(self) -> tuple[float, float]:
        """The interval for the value, about 95 %: from the error of sampling and the error that the iteration left."""
        away = 2 * self.standard_error + self.residual
        return self.value - away, self.value + away


def probe_images(trainer: Trainer) -> int:
    """How many training images to measure on: 512, or fewer for a large network, so that other runs don't wait long."""
    parameters = sum(p.numel() for p in trainer.net.parameters())
    return min(trainer.train_size, max(64, min(PROBE_IMAGES, PROBE_IMAGES * LARGE // parameters)))


def measure_sharpness(net: nn.Module, X: Tensor, y: Tensor, start: Tensor | None = None) -> Sharpness:
    """The sharpness at the network's weights, on images (n, 28, 28) and labels (n,), in one call."""
    parts = sharpness_in_parts(net, X, y, start)
    while True:
        try:
            next(parts)
        except StopIteration as stop:
            measured: Sharpness = stop.value
            return measured


def sharpness_in_parts(
    net: nn.Module, X: Tensor, y: Tensor, start: Tensor | None = None
) -> Generator[None, None, Sharpness]:
    """The same, one Hessian-vector product at a time, because each takes long for a large network. The weights must not
    change between two of them. `.grad` is not touched.

    The method is LOBPCG without a preconditioner (Knyazev 2001): Rayleigh-Ritz in the span of the present vector, its
    residual and the last direction. Like power iteration it needs one Hessian-vector product for each iteration. But it
    finds the largest eigenvalue, not the one with the largest magnitude. Early in training, eigenvalues come in pairs
    ±λ, and power iteration would not converge.
    """
    parameters = [p for p in net.parameters() if p.requires_grad]
    hvp = hessian_vector_product(net, X, y)
    yield
    if start is None:
        generator = torch.Generator().manual_seed(0)
        size = sum(p.numel() for p in parameters)
        start = torch.randn(size, generator=generator).to(parameters[0].device)
        vector = yield from largest_eigenvector(hvp, start, COLD)
    else:
        vector = yield from largest_eigenvector(hvp, start, WARM)
    parts = []
    for part in zip(X.chunk(PARTS), y.chunk(PARTS), strict=True):
        parts.append(hessian_vector_product(net, *part)(vector))
        yield
    sizes = torch.tensor([len(part) for part in X.chunk(PARTS)], device=vector.device)
    image = (torch.stack(parts) * (sizes / len(X))[:, None]).sum(dim=0)
    value = float(vector @ image)
    quotients = torch.stack([vector @ part for part in parts])
    error = float(quotients.std() / len(parts) ** 0.5) if len(parts) > 1 else 0.0
    return Sharpness(value, float((image - value * vector).norm()), error, vector)


def hessian_vector_product(net: nn.Module, X: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """v ↦ Hv, v (parameters,), for the Hessian of the mean cross-entropy over the images; exact (Pearlmutter 1994)."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    loss = nn.functional.cross_entropy(net(X), y)
    gradient = flat(torch.autograd.grad(loss, parameters, create_graph=True))

    def product(vector: Tensor) -> Tensor:
        if not gradient.requires_grad:
            return torch.zeros_like(vector)
        parts = torch.autograd.grad(gradient, parameters, vector, retain_graph=True, materialize_grads=True)
        return flat(parts)

    return product


def largest_eigenvector(
    product: Callable[[Tensor], Tensor], start: Tensor, iterations: int
) -> Generator[None, None, Tensor]:
    """A unit vector near the eigenvector of the largest eigenvalue of the symmetric operator `product`. Works in pieces
    of one product each."""
    basis: Tensor = (start / start.norm())[:, None]
    images = product(basis[:, 0])[:, None]
    for _ in range(iterations - 1):
        yield
        v, image = basis[:, 0], images[:, 0]
        value = v @ image
        rest = image - value * v
        size = rest.norm()
        if not torch.isfinite(size) or size <= TOLERANCE * value.abs() or size == 0:
            break
        rest = rest / size
        basis = torch.cat([basis, rest[:, None]], dim=1)
        images = torch.cat([images, product(rest)[:, None]], dim=1)
        basis, images = _ritz(basis, images)
    return basis[:, 0].contiguous()  # its layout decides bits of sums; a saved one has this layout, too


def _ritz(basis: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """From a basis (n, k) and H times it: the best vector in its span, and the direction in which it moved."""
    q, r = torch.linalg.qr(basis)
    hq = torch.linalg.solve_triangular(r, images, upper=True, left=False)
    small = q.T @ hq
    _, vectors = torch.linalg.eigh((small + small.T) / 2)
    best = vectors[:, -1]
    moved = best.clone()
    moved[0] = 0.0  # remove the part along the old vector, the first column of q
    pair = torch.stack([best, moved / moved.norm()], dim=1) if moved.norm() > 1e-6 else best[:, None]
    return q @ pair, hq @ pair


def flat(tensors: tuple[Tensor, ...] | list[Tensor]) -> Tensor:
    """All numbers in one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
