"""`agentspend demo`: the whole story, to its end, on a sandbox provider."""

import re

from tests.support.process import Home


def test_the_demo_tells_the_whole_story(fresh: Home) -> None:
    """Six steps, each verdict true, our books beside the provider's bill; nothing of ours moves."""
    done = fresh.run("demo", timeout_s=240)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    assert re.findall(r"^(\d)/6  ", said, re.MULTILINE) == ["1", "2", "3", "4", "5", "6"]
    assert "not so" not in said
    verdicts = re.findall(r"^  ✓ (.+)$", said, re.MULTILINE)
    assert len(verdicts) == 3
    assert verdicts[0] == "the provider's own bill is below the cap"
    assert verdicts[1].startswith("nothing was lost: $")
    assert re.match(r"\d+ entries, each linked to the one before by its hash", verdicts[2])
    assert "budget demo passed 50 %" in said
    assert re.search(r"\d+ were served, \d+ were refused before anything was sent", said)
    assert "API Error: 402 agentspend: budget 'demo'" in said
    books = re.findall(r"on our books \$([\d.]+), on the provider's bill \$([\d.]+)", said)
    assert len(books) == 3
    for ours, theirs in books:
        assert float(ours) >= float(theirs)
    assert books[0][0] == books[0][1]
    assert said.rstrip().endswith("agentspend run claude")
    assert list(fresh.home.iterdir()) == [fresh.config]
