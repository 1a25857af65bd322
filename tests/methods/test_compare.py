"""The distances against workings of their formulas in numpy, in float64, by other means."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from methods.parts import compare, compare_structure
from methods.parts.compare_structure import Window, dissimilarity, dissimilarity_map
from tests.methods.numpy_structure import structure


def pair(*shape, seed=0, positive=False):
    generator = torch.Generator().manual_seed(seed)
    student = torch.randn(shape, generator=generator, dtype=torch.float64)
    teacher = student + torch.randn(shape, generator=generator, dtype=torch.float64)
    if positive:
        student, teacher = student.sigmoid(), teacher.sigmoid()
    return student, teacher


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_absolute_and_squared(reduction):
    student, teacher = pair(3, 4, 5, 6)
    difference = student.numpy() - teacher.numpy()
    divisor = difference.size if reduction == "mean" else 3
    absolute = compare.absolute(student, teacher, reduction)
    squared = compare.squared(student, teacher, reduction)
    assert absolute.item() == pytest.approx(np.abs(difference).sum() / divisor, rel=1e-12)
    assert squared.item() == pytest.approx((difference**2).sum() / divisor, rel=1e-12)


def test_root_of_the_sum_of_squares_has_a_finite_gradient_at_zero():
    difference = torch.zeros(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    compare.root_sum_squares(difference).backward()
    assert difference.grad.abs().max() == 0
    student, teacher = pair(2, 3, 4, 4)
    expected = np.linalg.norm((student - teacher).numpy().ravel())
    assert compare.root_sum_squares(student - teacher).item() == pytest.approx(expected, rel=1e-9)


def test_norms_of_two_images_at_a_time_are_averaged():
    difference = torch.arange(1.0, 31.0, dtype=torch.float64).reshape(5, 6, 1, 1)
    one, two, three, four, five = (np.linalg.norm(each) for each in difference.numpy())
    norms = [np.hypot(one, two), np.hypot(three, four), five * 2**0.5]
    found = compare.root_sum_squares(difference, together=2)
    assert found.item() == pytest.approx(np.mean(norms), rel=1e-12)


def pearson_loss(student, teacher, axes):
    samples = np.prod([student.shape[axis] for axis in axes])
    student = student - student.mean(axis=axes, keepdims=True)
    teacher = teacher - teacher.mean(axis=axes, keepdims=True)
    product = (student * teacher).sum(axis=axes)
    r = product / np.sqrt((student**2).sum(axis=axes) * (teacher**2).sum(axis=axes))
    return (samples - 1) / samples * (1 - r).mean()


@pytest.mark.parametrize("per_image", [False, True])
def test_correlation_is_one_minus_pearson(per_image):
    student, teacher = pair(3, 4, 5, 6)
    loss = compare.correlation(student, teacher, per_image=per_image, epsilon=0)
    expected = pearson_loss(student.numpy(), teacher.numpy(), (2, 3) if per_image else (0, 2, 3))
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_correlation_ignores_scale_and_shift_of_each_channel():
    student, _ = pair(2, 4, 5, 6)
    scale = torch.rand(4, 1, 1, dtype=torch.float64) + 0.5
    assert compare.correlation(student, student * scale + 3, epsilon=0).item() < 1e-25


def test_detached_statistics_change_the_gradient_only():
    student, teacher = pair(2, 3, 4, 4)
    gradients = []
    for detach in (False, True):
        free = student.clone().requires_grad_()
        compare.correlation(free, teacher, detach_statistics=detach).backward()
        gradients.append(free.grad)
    assert not torch.allclose(*gradients)
    plain = compare.correlation(student, teacher)
    assert torch.equal(plain, compare.correlation(student, teacher, detach_statistics=True))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_channel_divergence(temperature):
    student, teacher = pair(2, 3, 4, 5)

    def distribution(maps):
        exponential = np.exp(maps.numpy().reshape(6, 20) / temperature)
        return exponential / exponential.sum(axis=1, keepdims=True)

    p, q = distribution(teacher), distribution(student)
    expected = (p * np.log(p / q)).sum() * temperature**2 / 6
    loss = compare.channel_divergence(student, teacher, temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_divergence_and_cross_entropy_have_one_gradient():
    student, teacher = pair(2, 3, 4, 5)
    gradients, values = [], []
    for kind in ("kl", "cross-entropy"):
        free = student.clone().requires_grad_()
        value = compare.channel_divergence(free, teacher, 2.0, kind)
        value.backward()
        gradients.append(free.grad)
        values.append(value.item())
    torch.testing.assert_close(*gradients)
    assert values[1] > values[0]


@pytest.mark.parametrize(
    ("extent", "axes"), [("tensor", (0, 1, 2, 3)), ("image", (1, 2, 3)), ("channel", (2, 3))]
)
def test_min_max(extent, axes):
    maps, _ = pair(2, 3, 4, 5)
    values = maps.numpy()
    lowest, highest = values.min(axes, keepdims=True), values.max(axes, keepdims=True)
    expected = (values - lowest) / (highest - lowest + 1e-6)
    np.testing.assert_allclose(compare.min_max(maps, extent).numpy(), expected, rtol=1e-12)
    detached = maps.clone().requires_grad_()
    compare.min_max(detached, extent, detach=True).sum().backward()
    span = np.broadcast_to(highest - lowest + 1e-6, values.shape)
    np.testing.assert_allclose(detached.grad.numpy(), 1 / span, rtol=1e-12)


def test_min_max_of_a_constant_channel_is_zero():
    assert compare.min_max(torch.full((1, 2, 3, 3), 7.0)).abs().max() == 0


@pytest.mark.parametrize("factors", ["lcs", "cs", "l", "c", "s"])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "zero", "valid"])
def test_structure_against_scipy(factors, padding):
    student, teacher = pair(2, 3, 13, 70, positive=True)
    window = Window(padding=padding)
    expected = structure(student.numpy(), teacher.numpy(), factors, padding=padding)
    loss = dissimilarity(student, teacher, window, factors)
    assert loss.item() == pytest.approx(expected.mean(), rel=1e-6)
    single = dissimilarity(student.float(), teacher.float(), window, factors)
    assert single.item() == pytest.approx(expected.mean(), rel=1e-4)
    maps = dissimilarity_map(student, teacher, window, factors).numpy()
    np.testing.assert_allclose(maps, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("size", "sigma"), [(3, 1.5), (7, 1.5), (7, 7 / 11 * 1.5)])
def test_structure_with_other_windows(size, sigma):
    student, teacher = pair(1, 2, 9, 8, positive=True)
    expected = structure(student.numpy(), teacher.numpy(), "lcs", size, sigma).mean()
    loss = dissimilarity(student, teacher, Window(size, sigma))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("height", "width"), [(5, 9), (9, 5), (1, 1), (2, 30), (5, 5)])
@pytest.mark.parametrize("padding", ["reflect", "valid"])
def test_maps_too_small_for_the_padding_are_replicated(height, width, padding):
    student, teacher = pair(2, 3, height, width, positive=True)
    expected = structure(student.numpy(), teacher.numpy(), "lcs", padding="replicate").mean()
    loss = dissimilarity(student, teacher, Window(padding=padding))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_reflecting_needs_six_cells():
    window = Window()
    assert window.padding_for(6, 6) == "reflect"
    assert window.padding_for(5, 200) == "replicate"


@pytest.mark.parametrize("factors", ["lcs", "cs", "l", "c", "s"])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "zero", "valid"])
def test_structure_gradients(factors, padding):
    student, teacher = pair(1, 2, 7, 6, positive=True)
    window = Window(size=5, padding=padding)
    student.requires_grad_()
    assert gradcheck(lambda maps: dissimilarity(maps, teacher, window, factors), (student,))


def test_structure_gradients_across_chunks_and_blocks(monkeypatch):
    monkeypatch.setitem(compare_structure._CHUNK, "cpu", 1)
    monkeypatch.setitem(compare_structure._BLOCK, "cpu", 4)
    student, teacher = pair(2, 2, 13, 7, positive=True)
    expected = structure(student.numpy(), teacher.numpy(), "lcs").mean()
    student.requires_grad_()
    assert dissimilarity(student, teacher, Window()).item() == pytest.approx(expected, rel=1e-6)
    assert gradcheck(lambda maps: dissimilarity(maps, teacher, Window()), (student,))


@pytest.mark.parametrize(
    "distance",
    [
        compare.absolute,
        compare.squared,
        lambda s, t: compare.root_sum_squares(s - t),
        compare.correlation,
        compare.channel_divergence,
        lambda s, t: compare.squared(compare.min_max(s), compare.min_max(t)),
    ],
)
def test_gradients(distance):
    student, teacher = pair(2, 3, 3, 4)
    student.requires_grad_()
    assert gradcheck(lambda maps: distance(maps, teacher), (student,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_maps_are_compared_in_float32(dtype):
    student, teacher = (maps.to(dtype) for maps in pair(2, 3, 8, 8, positive=True))
    losses = [
        compare.absolute(student, teacher),
        compare.squared(student, teacher),
        compare.root_sum_squares(student - teacher),
        compare.correlation(student, teacher),
        compare.channel_divergence(student, teacher),
        dissimilarity(student, teacher, Window()),
    ]
    assert all(loss.dtype == torch.float32 and loss.isfinite() for loss in losses)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = dissimilarity(student, teacher, Window())
    torch.testing.assert_close(inside, losses[-1])
