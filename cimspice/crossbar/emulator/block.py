"""A rectangle of a crossbar as a hybrid multi-port, and how two neighbours become one.

Word lines enter a block at the left and leave it at the right, bit lines enter at the bottom and leave at
the top. Ports where lines enter are driven by a voltage, ports where they leave by a current::

                 T                 V = (L, B)  entering ports: voltage v given, current j into the block found
              +-----+              C = (T, R)  leaving ports: current j into the block given, voltage v found
    word -> L |     | R
              +-----+              j_V = Y v_V - P' j_C
                 B                 v_C = P v_V + Z j_C
                 ^ bit

Y (siemens) is what the cells draw, Z (ohms) what the wires add, P the voltage that arrives: Y and Z are
symmetric and positive semidefinite, and reciprocity makes one P serve both rows. Nothing large is
subtracted from anything large, whatever the ratio of wire to cell: a wire of 0 ohms gives Z = 0 and P = 1
exactly, where a matrix of conductances would have infinities. Joining blocks solves with I + Z Y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(slots=True)
class Block:
    """``count`` blocks of the same shape, stacked along the first axis.

    Attributes
    ----------
    admittance
        Y (count, rows + columns, rows + columns), siemens; ports in the order L, B.
    transfer
        P (count, leaving ports, rows + columns), dimensionless; leaving ports in the order T, R.
    impedance
        Z (count, leaving ports, leaving ports), ohms.
    rows, columns
        Word lines and bit lines of each block.
    top, right
        Whether those ports exist; at the array's open edges they do not.
    """

    admittance: np.ndarray
    transfer: np.ndarray
    impedance: np.ndarray
    rows: int
    columns: int
    top: bool
    right: bool

    def __getitem__(self, count: slice) -> Block:
        """Some of the stacked blocks."""
        return Block(
            self.admittance[count],
            self.transfer[count],
            self.impedance[count],
            self.rows,
            self.columns,
            self.top,
            self.right,
        )

    def with_ports(self, top: bool, right: bool) -> Block:
        """The same blocks with nothing connected to leaving ports that are not wanted."""
        first = 0 if top else self.columns
        last = None if right else self.columns
        leaving = slice(first, last)
        return Block(
            self.admittance,
            self.transfer[:, leaving],
            self.impedance[:, leaving, leaving],
            self.rows,
            self.columns,
            top,
            right,
        )


@dataclass(slots=True)
class Interface:
    """What a provider (its leaving ports) and a consumer (its entering ports) do where they meet.

    ``i`` marks the shared ports, ``e`` the external ones. The voltage at the interface is ``solved`` times
    the inputs: the provider's entering voltages and external currents, then the consumer's.
    """

    p_i: np.ndarray
    z_ie: np.ndarray
    y_ii: np.ndarray
    y_ei: np.ndarray
    p_c: np.ndarray
    inverse: np.ndarray
    damped: np.ndarray


def interface(provider: Block, consumer: Block, horizontal: bool) -> tuple[Interface, slice, slice]:
    """The meeting of two blocks; also where the provider's and consumer's external ports lie."""
    if horizontal:
        size, split = provider.rows, provider.columns if provider.top else 0
        leaves, stays = slice(split, None), slice(0, split)
        enters, keeps = slice(0, size), slice(size, None)
    else:
        size = provider.columns
        leaves, stays = slice(0, size), slice(size, None)
        enters, keeps = slice(consumer.rows, None), slice(0, consumer.rows)
    z_ii = provider.impedance[:, leaves, leaves]
    y_ii = consumer.admittance[:, enters, enters]
    matrix = z_ii @ y_ii
    diagonal = np.arange(size)
    matrix[:, diagonal, diagonal] += 1
    inverse = np.linalg.inv(matrix)
    met = Interface(
        p_i=provider.transfer[:, leaves],
        z_ie=provider.impedance[:, leaves, stays],
        y_ii=y_ii,
        y_ei=consumer.admittance[:, keeps, enters],
        p_c=consumer.transfer[:, :, enters],
        inverse=inverse,
        damped=inverse @ z_ii,
    )
    return met, stays, keeps


def transposed(stack: np.ndarray) -> np.ndarray:
    """Each matrix of a stack transposed (a view)."""
    return np.swapaxes(stack, -1, -2)


def merge(provider: Block, consumer: Block, horizontal: bool) -> Block:
    """Two blocks as one: left and right (``horizontal``), or bottom and top; the first provides.

    Cost in the size m of the interface: one inverse and about 70 m³ (horizontal, square blocks).
    """
    met, stays, keeps = interface(provider, consumer, horizontal)
    count, size = met.p_i.shape[0], met.p_i.shape[1]
    entering, external = met.p_i.shape[2], met.z_ie.shape[2]
    kept, leaving = met.y_ei.shape[1], met.p_c.shape[1]
    dtype = met.p_i.dtype

    voltage = np.empty((count, size, entering + external), dtype)
    from_provider, from_external = voltage[:, :, :entering], voltage[:, :, entering:]
    np.matmul(met.inverse, met.p_i, out=from_provider)
    np.matmul(met.inverse, met.z_ie, out=from_external)
    current = met.y_ii @ voltage
    from_kept = -(met.damped @ transposed(met.y_ei))

    total, out = entering + kept, external + leaving
    admittance = np.empty((count, total, total), dtype)
    transfer = np.empty((count, out, total), dtype)
    impedance = np.empty((count, out, out), dtype)
    if horizontal:
        first, second = slice(0, entering), slice(entering, None)
        own, other = slice(0, external), slice(external, None)
    else:
        first, second = slice(kept, None), slice(0, kept)
        own, other = slice(leaving, None), slice(0, leaving)

    admittance[:, first, first] = provider.admittance
    admittance[:, first, first] += transposed(met.p_i) @ current[:, :, :entering]
    admittance[:, second, first] = met.y_ei @ from_provider
    admittance[:, first, second] = transposed(admittance[:, second, first])
    admittance[:, second, second] = consumer.admittance[:, keeps, keeps] + met.y_ei @ from_kept
    if external:
        loaded = transposed(met.z_ie)
        transfer[:, own, first] = provider.transfer[:, stays] - loaded @ current[:, :, :entering]
        transfer[:, own, second] = -(transposed(from_external) @ transposed(met.y_ei))
        impedance[:, own, own] = provider.impedance[:, stays, stays] - loaded @ current[:, :, entering:]
    if leaving:
        transfer[:, other, first] = met.p_c @ from_provider
        transfer[:, other, second] = consumer.transfer[:, :, keeps] + met.p_c @ from_kept
        impedance[:, other, other] = consumer.impedance + met.p_c @ (met.damped @ transposed(met.p_c))
        if external:
            impedance[:, other, own] = met.p_c @ from_external
            impedance[:, own, other] = transposed(impedance[:, other, own])
    rows = provider.rows + (0 if horizontal else consumer.rows)
    columns = provider.columns + (consumer.columns if horizontal else 0)
    return Block(admittance, transfer, impedance, rows, columns, consumer.top, consumer.right)
