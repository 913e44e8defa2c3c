"""Those who copy the tally, the official pages beside the ministry's, and the rival."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

JSON = {"Content-Type": "text/plain; charset=utf-8"}  # as GitHub serves it
DATASET = "/PetroIvaniuk/2022-Ukraine-Russia-War-Dataset/main/data"


def dataset(site: Site, **newest: Any) -> None:
    """Publish both files, with two days each."""
    days = ({"date": "2023-03-07", "day": 377}, {"date": "2023-03-08", "day": 378})
    equipment = [{**days[0], "tank": 3423}, {**days[1], "tank": 3441, **newest}]
    personnel = [{**days[0], "personnel": 153770}, {**days[1], "personnel": 154830}]
    for name, rows in {"equipment": equipment, "personnel": personnel}.items():
        body = json.dumps(rows, indent=1)
        site.put(f"{DATASET}/russia_losses_{name}.json", body, headers={**JSON, "ETag": f'"{hash(body)}"'})


def test_a_row_of_a_data_set_is_a_document(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Each day of each file is one document, whose content is the row alone."""
    dataset(site)
    outcome = crawled("petroivaniuk")
    assert (outcome.new, outcome.problems) == (4, ())
    assert memory.keys == [
        "equipment/2023-03-07",
        "equipment/2023-03-08",
        "personnel/2023-03-07",
        "personnel/2023-03-08",
    ]
    row = next(document for document in memory.documents if document.key == "equipment/2023-03-08")
    assert json.loads(row.content) == {"date": "2023-03-08", "day": 378, "tank": 3441}
    assert row.content_type == "application/json; charset=utf-8"
    assert row.published_at is None
    assert row.exchange.body == site.pages[f"{DATASET}/russia_losses_equipment.json"].payload


def test_a_corrected_row_is_a_version_and_the_others_are_not(site: Site, crawled: Crawl) -> None:
    """A file that changed in one place is read whole; a file that did not change costs a 304."""
    dataset(site)
    first = crawled("petroivaniuk")
    dataset(site, tank=3414)
    second = crawled("petroivaniuk", validators=first.validators)
    assert (second.new, second.changed, second.unchanged) == (0, 1, 2)


def test_a_window_of_a_data_set(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Days are those of the rows."""
    dataset(site)
    crawled("petroivaniuk", since=date(2023, 3, 8), until=date(2023, 3, 8))
    assert memory.keys == ["equipment/2023-03-08", "personnel/2023-03-08"]


def test_orc_losses(site: Site, crawled: Crawl, memory: Memory) -> None:
    """One file with all categories of a day in a row."""
    rows = [{"date": "2023-03-08", "sourceUri": "https://www.mil.gov.ua/", "personnel": 154830, "afvs": 6735}]
    site.put("/lod-db/orc-losses/main/russian-losses.json", json.dumps(rows), headers=JSON)
    crawled("orc_losses")
    assert memory.keys == ["2023-03-08"]
    assert json.loads(memory.documents[0].content) == rows[0]


def test_json_that_is_none(site: Site, crawled: Crawl) -> None:
    """Neither a page in place of the JSON nor JSON without rows is passed over."""
    path = "/lod-db/orc-losses/main/russian-losses.json"
    for body, cause in {
        "[{": "parse_error",
        "{}": "layout_changed",
        '[{"day": 1}]': "layout_changed",
        '[{"date": "8 March"}]': "layout_changed",
        '[{"date": "2023-03-08", "tanks": 1}, {"date": "2023-03-08", "tanks": 2}]': "layout_changed",
        "<html>Just a moment...</html>": "captcha",
    }.items():
        site.put(path, body, headers=JSON)
        assert crawled("orc_losses").cause == cause, body


def record(day: str, tanks: int) -> dict[str, Any]:
    """Return a record of the API."""
    stats = {"tanks": tanks, "cruise_missiles": 0}
    return {"date": day, "day": 1, "resource": "https://x.example/", "stats": stats, "increase": {"tanks": 18}}


def test_the_latest_record_of_the_api(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A poll asks for one record."""
    site.put("/api/v2/statistics/latest", json.dumps({"message": "ok", "data": record("2023-03-08", 3441)}))
    assert crawled("russianwarship_rip").problems == ()
    assert memory.keys == ["2023-03-08"]
    assert json.loads(memory.documents[0].content)["stats"]["tanks"] == 3441


def test_a_window_of_the_api(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A full page is followed by the next one."""
    days = [f"2023-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]
    pages = {0: days[:50], 50: days[50:]}
    for offset, shown in pages.items():
        path = f"/api/v2/statistics?offset={offset}&limit=50&date_from=2023-01-01&date_to=2023-02-28"
        site.put(path, json.dumps({"data": {"records": [record(day, 3000) for day in shown]}}))
    outcome = crawled("russianwarship_rip", since=date(2023, 1, 1), until=date(2023, 2, 28))
    assert memory.keys == days
    assert outcome.complete


MONTH = """<html><body><h2>Втрати</h2><ul class='see-also'>{}</ul>
<ul><li>Танки 1111 not of a day</li></ul></body></html>"""
DAY = """<li class='gold'><span class='black'>{}</span><div class='casualties'><div><ul>
<li>Танки&nbsp;&mdash; {} (+18)</li>
<li><abbr class="idx-help" title="бойова броньована машина">ББМ</abbr>&nbsp;&mdash; 6735</li></ul></div></div></li>"""
MINFIN = "/ua/russian-invading/casualties/"


def test_a_day_of_minfin_is_a_document(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A month's page has all its days: each is a document, with its own words only."""
    site.put(MINFIN, MONTH.format(DAY.format("08.03.2023", 3441) + DAY.format("07.03.2023", 3423)))
    assert crawled("minfin").problems == ()
    assert memory.keys == ["2023-03-07", "2023-03-08"]
    latest = max(memory.documents, key=lambda document: document.key)
    assert "3441 (+18)" in latest.canonical.decode()
    assert "3423" not in latest.content.decode()
    assert "1111" not in latest.content.decode()


def test_a_window_of_minfin(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Each month of the window is asked for once; days outside it are left out."""
    site.put(f"{MINFIN}2022-12/", MONTH.format(DAY.format("31.12.2022", 3031) + DAY.format("01.12.2022", 2916)))
    site.put(f"{MINFIN}2023-01/", MONTH.format(DAY.format("01.01.2023", 3036)))
    outcome = crawled("minfin", since=date(2022, 12, 31), until=date(2023, 1, 1))
    assert memory.keys == ["2022-12-31", "2023-01-01"]
    assert outcome.complete


def test_a_day_that_vanished_from_a_list(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Between two days of a month's page, or of a file that has them all, a missing one was taken out."""
    site.put(MINFIN, MONTH.format(DAY.format("08.03.2023", 3441) + DAY.format("06.03.2023", 3414)))
    crawled("minfin")
    rows = [{"date": day, "personnel": 1} for day in ("2023-03-08", "2023-03-05")]
    site.put("/lod-db/orc-losses/main/russian-losses.json", json.dumps(rows), headers=JSON)
    crawled("orc_losses")
    assert memory.absent == ["2023-03-07", "2023-03-07", "2023-03-06"]


def test_a_page_of_the_api_is_no_list_of_all_days(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Its pages may be sorted in any way: what lies between two of its days is not missing."""
    path = "/api/v2/statistics?offset=0&limit=50&date_from=2023-03-01&date_to=2023-03-08"
    records = [record("2023-03-01", 3400), record("2023-03-08", 3441)]
    site.put(path, json.dumps({"data": {"records": records}}))
    crawled("russianwarship_rip", since=date(2023, 3, 1), until=date(2023, 3, 8))
    assert memory.absent == []


def test_an_index_of_last_year(site: Site, crawled: Crawl) -> None:
    """The index was seen to show data a year old."""
    site.put(MINFIN, MONTH.format(DAY.format("08.03.2022", 290)))
    assert crawled("minfin").cause == "frozen_page"


LIST = {"@type": "ItemList", "itemListElement": [{"name": "Танки", "description": "3441 (+18)"}]}
ZSU = """<html><head><script type="application/ld+json">{{"@type": "Organization"}}</script>
<script type="application/ld+json">{list}</script></head><body><h1>Втрати на 08.03.2023</h1><p>{filler} {views}</p>
</body></html>"""
FILLER = "слово " * 30


def test_the_list_of_the_armed_forces(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The page is kept whole; its list makes the version, not what stands around it."""
    path = "/oriientovni-vtraty-protyvnyka"
    site.put(path, ZSU.format(list=json.dumps(LIST), filler=FILLER, views=10))
    assert crawled("zsu_gov_ua").new == 1
    site.put(path, ZSU.format(list=json.dumps(LIST), filler=FILLER, views=11))
    assert crawled("zsu_gov_ua").unchanged == 1
    site.put(path, ZSU.format(list=json.dumps(LIST).replace("3441", "3459"), filler=FILLER, views=12))
    assert crawled("zsu_gov_ua").changed == 1
    assert memory.documents[0].key == f"https://www.zsu.gov.ua{path}"
    site.put(path, ZSU.format(list="{}", filler=FILLER, views=1))
    assert crawled("zsu_gov_ua").cause == "layout_changed"


def test_what_shows_the_latest_only_says_so(site: Site, crawled: Crawl) -> None:
    """Asked for a window of the past, it is asked for nothing: what it shows would be taken for that window."""
    outcome = crawled("zsu_gov_ua", since=date(2023, 1, 1))
    assert outcome.cause == "empty_page"
    assert not outcome.complete
    assert site.asked == []


def test_the_rival(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The text of the page is the document: how its chart is drawn is not."""
    text = f"<main><h1>Потери</h1><p>К 3 марта известны имена 16 071 погибшего. {FILLER}</p></main>"
    site.put("/casualties", f"<html><body>{text}<script>draw(1111)</script></body></html>")
    assert crawled("mediazona").problems == ()
    [document] = memory.documents
    assert "16 071" in document.canonical.decode()
    assert "1111" not in document.canonical.decode()
