"""The record as a picture: who was active when, the four steps of each rotation, every login.

A plain SVG of its own: it has a background, so it reads on any page, and follows the reader's
choice of light or dark. Logins are counted per bucket, so its size does not grow with their number.
"""

from __future__ import annotations

import statistics
from html import escape
from pathlib import Path

from .record import Login, Record, Rotation, duration, failed, per_bucket, user_states

WIDTH = 1000
LEFT, RIGHT = 188, 890  # the plot; lane names stand left of it, totals right
BUCKET = 6              # pixels of time in one bar

STEPS_Y = 122
USER_Y, USER_LANE, USER_HEIGHT = 160, 38, 24
CLIENT_LANE, CLIENT_HEIGHT = 52, 32
THINNEST = 3            # pixels: a step of some milliseconds is still seen

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
STATES = {"active": "active: AWSCURRENT", "changing": "changing, then tested",
          "previous": "previous, still works", "waiting": "not used yet"}
CLIENTS = {"direct": "secret read every time", "proxied": "the same, via the proxy",
           "holding": "one read per rotation"}

# name: (light, dark)
COLOURS = {
    "card": ("#ffffff", "#0d1117"), "edge": ("#d1d9e0", "#30363d"), "band": ("#f3f5f8", "#161c24"),
    "text": ("#1f2328", "#f0f6fc"), "soft": ("#59636e", "#9198a1"),
    "on-state": ("#ffffff", "#ffffff"),
    "active": ("#1a7f4b", "#238656"), "changing": ("#bf6a15", "#b5651d"),
    "previous": ("#4f7aa8", "#41648a"), "waiting": ("#dfe4ea", "#2a313a"),
    "createSecret": ("#8250df", "#a475f9"), "setSecret": ("#bf6a15", "#d9822b"),
    "testSecret": ("#2f81d7", "#4493f8"), "finishSecret": ("#1a7f4b", "#3fb970"),
    "login": ("#8c96a1", "#6e7985"), "failed": ("#d1242f", "#ff5a52"),
    "pickup": ("#1f2328", "#f0f6fc"),
}


def write_svg(record: Record, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Picture(record).draw())


class Picture:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._parts: list[str] = []
        self._clients_y = USER_Y + USER_LANE * len(record.users) + 14
        self._axis_y = self._clients_y + CLIENT_LANE * len(record.clients) + 16
        self._height = self._axis_y + 122

    def draw(self) -> str:
        self._title()
        for rotation in self._record.rotations:
            self._rotation(rotation)
        self._text(LEFT - 14, STEPS_Y + 11, "steps", "name", "end")
        for index, user in enumerate(self._record.users):
            self._user(user, USER_Y + USER_LANE * index)
        for index, client in enumerate(self._record.clients):
            self._client(client, self._clients_y + CLIENT_LANE * index)
        self._axis()
        self._legend()
        size = f'width="{WIDTH}" height="{self._height}" viewBox="0 0 {WIDTH} {self._height}"'
        card = f'x="0.5" y="0.5" width="{WIDTH - 1}" height="{self._height - 1}" rx="8"'
        return "\n".join((
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"'
            f' aria-label="{self._headline()}">',
            f"<style>{style()}</style>", f'<rect class="card" {card}/>', *self._parts, "</svg>\n"))

    def _headline(self) -> str:
        return (f"{len(self._record.rotations)} rotations, {len(self._record.logins):,} logins,"
                f" {len(self._record.failures()) or 'none'} failed")

    def _title(self) -> None:
        self._text(24, 40, self._headline(), "title")
        self._text(24, 64, "Two database users take turns behind a proxy. Three clients log in"
                           " without pause while Tandem changes the passwords.", "soft")

    def _rotation(self, rotation: Rotation) -> None:
        end = rotation.end if rotation.end is not None else self._record.end
        left, right = self._x(rotation.begin), self._x(end)
        self._box("band", left, 84, right - left, self._axis_y - 84)
        middle = (left + right) / 2
        if right - left > 60:
            self._text(middle, 101, f"rotation {rotation.number}", "name", "middle")
            self._text(middle, 115, duration(end - rotation.begin), "small", "middle")
        else:
            self._text(middle, 115, f"{rotation.number}", "name", "middle")
        at = left
        steps = [step for step in self._record.steps if step.rotation == rotation.number]
        for step in sorted(steps, key=lambda step: step.end):
            at = max(at, self._x(step.begin))
            width = max(self._x(step.end) - at, THINNEST)
            at = min(at, right - width)  # inside its rotation, though drawn wider than it was
            self._box("failed" if step.failed else step.name, at, STEPS_Y, width, 14)
            at += width

    def _user(self, user: str, y: float) -> None:
        self._text(LEFT - 14, y + 17, user, "name", "end")
        for span in user_states(self._record, user):
            left, width = self._x(span.begin), self._x(span.end) - self._x(span.begin)
            self._box(span.state, left, y, width, USER_HEIGHT)
            if span.state != "waiting" and width > 7 * len(span.state):
                self._text(left + width / 2, y + 16, span.state, "state", "middle")
        for pickup in self._record.pickups:
            if pickup.user == user:
                self._diamond(self._x(pickup.at), y + USER_HEIGHT + 6)

    def _client(self, client: str, y: float) -> None:
        logins = self._record.of(client)
        tried, refused = len(logins), len(failed(logins))
        self._text(LEFT - 14, y + 16, client, "name", "end")
        self._text(LEFT - 14, y + 30, CLIENTS.get(client, ""), "small", "end")
        self._text(RIGHT + 12, y + 16, f"{tried:,} logins", "name")
        self._text(RIGHT + 12, y + 30, f"{refused:,} failed",
                   "failed-text" if refused else "small")
        self._bars(logins, y + CLIENT_HEIGHT)
        if client == "holding":
            self._holds(y + CLIENT_HEIGHT + 6)

    def _bars(self, logins: list[Login], bottom: float) -> None:
        buckets = (RIGHT - LEFT) // BUCKET
        tried = self._per_bucket([login.at for login in logins], buckets)
        refused = self._per_bucket([login.at for login in failed(logins)], buckets)
        unit = CLIENT_HEIGHT / max([*tried, 1])
        for kind, counts in (("login", tried), ("failed", refused)):
            bars = "".join(f"M{LEFT + BUCKET * index + BUCKET / 2:g} {bottom:g}v{-count * unit:.1f}"
                           for index, count in enumerate(counts) if count)
            if bars:
                self._parts.append(f'<path class="bar-{kind}" d="{bars}"/>')

    def _per_bucket(self, times: list[float], buckets: int) -> list[int]:
        return per_bucket(times, self._record.end, buckets)

    def _holds(self, y: float) -> None:
        """Brackets under the bars: from one reading of the secret to the next."""
        holds = self._record.holds
        for index, hold in enumerate(holds):
            end = holds[index + 1].at if index + 1 < len(holds) else self._record.end
            left, right = self._x(hold.at) + 1, self._x(end) - 1
            if right - left < 4:
                continue
            self._parts.append(f'<path class="hold" d="M{left:.1f} {y - 3:g}v6M{left:.1f} {y:g}'
                               f'H{right:.1f}M{right:.1f} {y - 3:g}v6"/>')
            if right - left > 8 * (len(hold.user) + 6):
                self._text((left + right) / 2, y + 14, f"keeps {hold.user}", "small", "middle")

    def _axis(self) -> None:
        y = self._axis_y
        step = next(s for s in (1, 2, 5, 10, 30, 60, 300, 3600) if self._record.end / s <= 16)
        self._parts.append(f'<path class="axis" d="M{LEFT} {y}H{RIGHT}"/>')
        for second in range(0, int(self._record.end) + 1, step):
            x = self._x(second)
            self._parts.append(f'<path class="axis" d="M{x:.1f} {y}v5"/>')
            self._text(x, y + 18, f"{second} s" if second else "0", "small", "middle")

    def _legend(self) -> None:
        top = self._axis_y + 50
        rows = {"steps (median)": [(step, f"{step} {self._usual(step)}") for step in STEPS],
                "users": [*STATES.items()],
                "marks": [("bar", "logins"), ("bar-red", "failed logins"),
                          ("diamond", "picked up by the proxy"),
                          ("bracket", "one credential kept")]}
        for index, (name, row) in enumerate(rows.items()):
            self._text(LEFT - 14, top + 24 * index + 4, name, "small", "end")
            self._legend_row(LEFT, top + 24 * index, row)

    def _legend_row(self, left: float, y: float, entries: list[tuple[str, str]]) -> None:
        for index, (kind, words) in enumerate(entries):
            x = left + 198 * index
            if kind == "diamond":
                self._diamond(x + 6, y)
            elif kind == "bracket":
                self._parts.append(f'<path class="hold" d="M{x} {y - 3}v6M{x} {y}h12'
                                   f'M{x + 12} {y - 3}v6"/>')
            elif kind.startswith("bar"):
                shade = "failed" if kind == "bar-red" else "login"
                self._parts.append(f'<path class="bar-{shade}" d="M{x + 1} {y + 6}v-7'
                                   f'M{x + 6.5} {y + 6}v-12M{x + 12} {y + 6}v-9"/>')
            else:
                self._box(kind, x, y - 6, 12, 12)
            self._text(x + 19, y + 4, words, "soft")

    def _usual(self, name: str) -> str:
        times = [step.end - step.begin for step in self._record.steps
                 if step.name == name and not step.failed]
        return duration(statistics.median(times)) if times else ""

    def _x(self, at: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(max(at / self._record.end, 0), 1)

    def _box(self, kind: str, x: float, y: float, width: float, height: float) -> None:
        self._parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:g}" width="{width:.1f}"'
                           f' height="{height:g}"/>')

    def _diamond(self, x: float, y: float) -> None:
        self._parts.append(f'<path class="pickup" d="M{x:.1f} {y - 5:g}l5 5-5 5-5-5z"/>')

    def _text(self, x: float, y: float, words: str, kind: str, anchor: str = "start") -> None:
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:g}"{place}>'
                           f"{escape(words)}</text>")


def style() -> str:
    """The colours once for light pages and once more for dark ones."""
    fixed = ('text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;'
             "font-size:12.5px}.title{font-size:22px;font-weight:600}.name{font-weight:600}"
             ".small,.failed-text{font-size:11px}.state{font-size:11.5px}"
             ".bar-login,.bar-failed{stroke-width:4.5;fill:none}.axis,.hold{fill:none}")
    return f"{fixed}{colours(0)}@media (prefers-color-scheme:dark){{{colours(1)}}}"


def colours(index: int) -> str:
    of = {name: pair[index] for name, pair in COLOURS.items()}
    filled = (*STATES, *STEPS, "band", "failed", "pickup", "soft")
    fills = "".join(f".{name}{{fill:{of[name]}}}" for name in filled)
    return (f"{fills}.card{{fill:{of['card']};stroke:{of['edge']}}}"
            f".title,.name{{fill:{of['text']}}}.small{{fill:{of['soft']}}}"
            f".state{{fill:{of['on-state']}}}.failed-text{{fill:{of['failed']}}}"
            f".bar-login{{stroke:{of['login']}}}.bar-failed{{stroke:{of['failed']}}}"
            f".axis{{stroke:{of['edge']}}}.hold{{stroke:{of['soft']}}}")
