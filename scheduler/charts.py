"""Pictures of the series, for mails and for the demo.

matplotlib costs 36 MB and half a second: it is imported on first use, and `scheduler.artist` keeps it out of the
daemon altogether. It keeps a font cache in MPLCONFIGDIR, which whoever starts the program points into its home.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pipelines.metrics import METRICS
from scheduler.expected import Moved, bands
from scheduler.mails.catalog import Catalog, catalog
from scheduler.mails.series import Change, changes, usual
from scheduler.mails.view import Language, Point, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = "#fbfbfa"
INK = "#2b3036"
QUIET = "#6b737d"
LINE = "#d9dce0"
BAR = "#9fb3c8"
BAND = "#e4eaf0"
FLAG = "#c2410c"  # against the blue of the bars: apart in every common colour blindness, and by its label
DPI = 200
CSS = 100  # pixels of a mail per inch of a figure
HEADROOM = 1.7  # how far beyond the usual a bar is drawn in full
LONG = 300  # days from which bars touch, and an axis names months with their year


def series_chart(series: Series, language: Language = "en") -> bytes:
    """Draw the daily changes of one metric, as a PNG of 600 by 280 pixels at twice the density."""
    words = catalog(language)
    figure, (axes,) = _figure(1, 1, width=600, height=280)
    _title(axes, words.text("chart/title", metric=words.metric(series.metric)), size=12.5)
    _draw(axes, changes(series), words)
    return _png(figure)


def overview_chart(panels: Sequence[Series], title: str, language: Language = "en") -> bytes:
    """Draw several metrics as small multiples, every flagged day marked. All days of each series are shown."""
    words = catalog(language)
    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    figure, every = _figure(rows, columns, width=1100, height=70 + 190 * rows)
    figure.suptitle(title, x=0.012, ha="left", fontsize=15, color=INK, fontweight="bold")
    for axes, series in zip(every, panels, strict=False):
        _title(axes, words.metric(series.metric), size=11.5)
        _draw(axes, changes(series, window=len(series.points)), words)
    for axes in every[len(panels) :]:
        axes.set_axis_off()
    return _png(figure)


def ledger_chart(series: Series, disputed: Collection[date] = (), language: Language = "en") -> bytes:
    """Draw all days of a series: what was to be expected, days that an incident blames, days that sources dispute."""
    words = catalog(language)
    figure, (axes,) = _figure(1, 1, width=1100, height=340)
    _title(axes, words.text("chart/title", metric=words.metric(series.metric)), size=12.5)
    told = changes(series, window=len(series.points))
    _draw(axes, told, words)
    if told:
        _expect(axes, series.metric, told)
        _dispute(axes, [day for day in told if day.day in disputed])
    return _png(figure)


def _expect(axes: Axes, metric: str, told: Sequence[Change]) -> None:
    moves = (Moved(day=day.day, change=day.change, ordinary=not day.flagged) for day in told)
    band = list(bands(METRICS[metric], moves))
    days = [_x(one.day) for one in band]
    axes.fill_between(days, [one.low for one in band], [one.high for one in band], color=BAND, zorder=0, linewidth=0)


def _dispute(axes: Axes, days: Sequence[Change]) -> None:
    floor, ceiling = axes.get_ylim()
    ends = [min(max(day.change, floor), ceiling) for day in days]
    axes.scatter(
        [_x(day.day) for day in days], ends, s=70, facecolors="none", edgecolors=INK, linewidths=1.1, zorder=4
    )


def _figure(rows: int, columns: int, *, width: int, height: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, see above

    figure = Figure(figsize=(width / CSS, height / CSS), dpi=DPI, facecolor=PAPER)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12, hspace=0.06, wspace=0.04)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _title(axes: Axes, text: str, *, size: float) -> None:
    axes.set_title(text, loc="left", fontsize=size, color=INK, pad=8, parse_math=False)


def _draw(axes: Axes, told: Sequence[Change], words: Catalog) -> None:
    """Draw bars for what the totals did, a tick where the printed change says otherwise, labels on flagged days."""
    _frame(axes)
    if not told:
        return
    floor, ceiling = _limits(told)
    axes.set_ylim(floor, ceiling)
    axes.set_xlim(_x(told[0].day) - 1, _x(told[-1].day) + 1)
    axes.bar(
        [_x(day.day) for day in told],
        [min(max(day.change, floor), ceiling) for day in told],
        width=0.78 if len(told) <= LONG else 1.0,  # gaps narrower than a pixel make patterns of their own
        color=[FLAG if day.flagged else BAR for day in told],
    )
    axes.axhline(0, color=QUIET, linewidth=0.8)
    _mark(axes, told)
    differing = [day for day in told if day.printed is not None and day.printed != day.change]
    axes.scatter(
        [_x(day.day) for day in differing],
        [day.printed or 0 for day in differing],
        marker="_",
        s=42,
        linewidths=1.8,
        color=INK,
        zorder=3,
    )
    _ticks(axes, told, words)
    for day in _labelled(told):
        _label(axes, day, words)
    if len(flagged := [day for day in differing if day.flagged]) == 1:
        _label_printed(axes, flagged[0], words)


def _limits(told: Sequence[Change]) -> tuple[float, float]:
    """Choose a scale by the usual days: one lost digit must not flatten all the others to nothing."""
    low, high = usual(told)
    ordinary = sorted(abs(day.change) for day in told if not day.flagged)
    bursts = ordinary[-3] if len(ordinary) > 2 else 0  # noqa: PLR2004 - two days may be the rebound of errors
    reach = max(max(abs(low), abs(high), 1) * HEADROOM, bursts)
    values = [value for day in told for value in (day.change, day.printed or 0)]
    bottom = max(min(*values, 0), -reach)
    top = max(min(max(*values, 0), reach), 0 if bottom else 1)
    room = (top - bottom) * 0.16
    return bottom - (room if bottom < 0 else 0), top + room


def _mark(axes: Axes, told: Sequence[Change]) -> None:
    """Dot the flagged days, which may have no bar to see, and break the bars that go on beyond the scale."""
    floor, ceiling = axes.get_ylim()
    dots = [day for day in told if day.flagged and floor <= day.change <= ceiling]
    axes.scatter([_x(day.day) for day in dots], [day.change for day in dots], s=20, color=FLAG, zorder=3)
    for day in told:
        if not floor <= day.change <= ceiling:
            end = floor if day.change < floor else ceiling
            axes.plot([_x(day.day) - 0.7, _x(day.day) + 0.7], [end * 0.84, end * 0.9], color=PAPER, linewidth=2.2)


def _labelled(told: Sequence[Change]) -> list[Change]:
    """Choose the flagged days that are labelled: the larger of those that stand too close."""
    apart = (_x(told[-1].day) - _x(told[0].day)) * 0.09
    chosen: list[Change] = []
    for day in sorted(told, key=lambda day: -abs(day.change)):
        if day.flagged and all(abs(_x(day.day) - _x(other.day)) > apart for other in chosen):
            chosen.append(day)
    return chosen


def _label(axes: Axes, day: Change, words: Catalog) -> None:
    """Write a flagged day's change at the end of its bar; an arrow where the bar goes on beyond the scale."""
    floor, ceiling = axes.get_ylim()
    beyond = "▲ " if day.change > ceiling else "▼ " if day.change < floor else ""
    down = day.change < 0
    end = min(max(day.change, floor), ceiling)
    inside = bool(beyond)
    left, right = axes.get_xlim()
    late = _x(day.day) > (left + right) / 2
    axes.annotate(
        beyond + words.change(day.change),
        (_x(day.day), end),
        xytext=((-6 if late else 6) if inside else 0, (-14 if down else 7) if not inside else (3 if down else -11)),
        textcoords="offset points",
        ha=("right" if late else "left") if inside else "center",
        fontsize=10.5,
        color=FLAG,
        fontweight="bold",
        clip_on=False,
    )


def _label_printed(axes: Axes, day: Change, words: Catalog) -> None:
    """Name the tick of the only day that needs it; where there are more, their bars stand too close."""
    left, right = axes.get_xlim()
    late = _x(day.day) > (left + right) / 2
    axes.annotate(
        words.text("chart/printed", change=words.change(day.printed)),
        (_x(day.day), day.printed or 0),
        xytext=(-7 if late else 7, 6),
        textcoords="offset points",
        ha="right" if late else "left",
        fontsize=9.5,
        color=INK,
    )


def _frame(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=10, labelcolor=QUIET, pad=5)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)


def _ticks(axes: Axes, told: Sequence[Change], words: Catalog) -> None:
    """Mark about five days by name, and a handful of round values."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - heavy, see above

    step = max((told[-1].day - told[0].day).days // 4, 1)
    days = [told[-1].day - timedelta(days=step * back) for back in range(5)]
    shown = [day for day in reversed(days) if day >= told[0].day]
    long = (told[-1].day - told[0].day).days > LONG
    names = [f"{day:%Y-%m}" if long else words.short_day(day) for day in shown]
    axes.set_xticks([_x(day) for day in shown], names)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(round(value))))


def _x(day: date) -> int:
    return day.toordinal()


def _png(figure: Figure) -> bytes:
    """Write the picture without the date and the program in it: the same series gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy, see above

    buffer = BytesIO()
    figure.set_canvas(FigureCanvasAgg(figure))
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def task(series: Series, language: Language) -> bytes:
    """Write down what this module, run as a program, is to draw: it reads that from its input, and writes a PNG."""
    points = [[point.day.isoformat(), point.total, point.daily] for point in series.points]
    flagged = [day.isoformat() for day in series.flagged]
    return json.dumps({"metric": series.metric, "points": points, "flagged": flagged, "language": language}).encode()


def _load(task: dict[str, Any]) -> Series:
    return Series(
        metric=task["metric"],
        points=tuple(
            Point(day=date.fromisoformat(day), total=total, daily=daily) for day, total, daily in task["points"]
        ),
        flagged=tuple(date.fromisoformat(day) for day in task["flagged"]),
    )


if __name__ == "__main__":
    gc.disable()  # importing matplotlib makes much to look through and no garbage: a tenth of the time
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401 - both before anybody waits for the picture

    given = json.load(sys.stdin)
    sys.stdout.buffer.write(series_chart(_load(given), given["language"]))
