"""A user's samples: what fits comes in as it is, the rest is refused, nothing is cut or broadcast."""

import numpy as np
import pytest

from cimspice.errors import TableError
from cimspice.network import built_in, load_data


@pytest.fixture(scope="module")
def iris():
    return built_in("iris")


@pytest.mark.parametrize("ending", ["npz", "csv", "column", "test", "Test"])
def test_samples_and_labels_come_in_as_they_are(tmp_path, iris, ending):
    path = tmp_path / ("data.csv" if ending == "csv" else "data.npz")
    if ending == "csv":
        rows = np.column_stack([iris.x_test, iris.y_test])
        np.savetxt(path, rows, delimiter=",", header="a,b,c,d,y", comments="", fmt="%.17g")
    elif ending == "test":
        np.savez(path, x_test=iris.x_test, y_test=iris.y_test, W1=np.zeros((2, 3)))
    elif ending == "Test":  # as scikit-learn's users call them
        np.savez(path, X_train=np.zeros((2, 4)), X_test=iris.x_test, y_test=iris.y_test)
    else:
        np.savez(path, x=iris.x_test, y=iris.y_test[:, None] if ending == "column" else iris.y_test)
    data = load_data(path, iris.network)
    np.testing.assert_array_equal(data.x, iris.x_test)
    np.testing.assert_array_equal(data.y, iris.y_test)


def test_samples_without_labels(tmp_path, iris):
    np.save(tmp_path / "x.npy", iris.x_test)
    np.savetxt(tmp_path / "x.csv", iris.x_test, delimiter=",", fmt="%.17g")
    for name in ("x.npy", "x.csv"):
        data = load_data(tmp_path / name, iris.network)
        np.testing.assert_array_equal(data.x, iris.x_test)
        assert data.y is None


def test_rows_of_pixels_become_images(tmp_path):
    given = built_in("digits-cnn")
    np.save(tmp_path / "x.npy", given.x_test[:7].reshape(7, 64))
    np.testing.assert_array_equal(load_data(tmp_path / "x.npy", given.network).x, given.x_test[:7])


X, Y = np.ones((5, 4)), np.zeros(5, int)
REFUSED = {
    "a fifth column": ({"x": np.ones((5, 5)), "y": Y}, "(5,)"),
    "one sample without its axis": ({"x": np.ones(4)}, "()"),
    "nan": ({"x": np.where(np.eye(5, 4), np.nan, X), "y": Y}, "nan at (0, 0), 4 of 20"),
    "words": ({"x": np.array([["a"] * 4])}, "real numbers"),
    "one-hot labels": ({"x": X, "y": np.eye(5, 3)}, "(5, 3) for 5 samples"),
    "labels in a row": ({"x": X, "y": Y[None]}, "(1, 5) for 5 samples"),
    "fewer labels": ({"x": X, "y": Y[:4]}, "(4,) for 5 samples"),
    "a fourth class": ({"x": X, "y": Y + 3}, "hold 3"),
    "negative labels": ({"x": X, "y": Y - 1}, "hold -1"),
    "labels that are no numbers of classes": ({"x": X, "y": Y + 0.5}, "hold 0.5"),
    "no inputs": ({"data": X}, "no inputs x: data (5, 4)"),
    "no samples": ({"x": np.ones((0, 4))}, "(0, 4)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_samples_that_do_not_fit_are_refused(tmp_path, iris, case):
    arrays, words = REFUSED[case]
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(TableError) as caught:
        load_data(tmp_path / "data.npz", iris.network)
    assert words in caught.value.message
    assert caught.value.remedy
    assert "data.npz" in caught.value.place


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n",
        "1,2,3,4,5\n",
        "1,2,3,x\n1,2,3,4\n1,x,3,4\n",
        "1,2,3,4\n1,2,3\n",
        "1,2,nan,4\n",
        "",
        "a,b,c,d\n",
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path, iris, text):
    (tmp_path / "data.csv").write_text(text)
    with pytest.raises(TableError) as caught:
        load_data(tmp_path / "data.csv", iris.network)
    assert caught.value.remedy
