"""A class in real browsers: a teacher and seven students on one server, which is killed and comes back."""

import signal

import pytest

from benchmarks.ports import free_port
from mlpviz.options import STORE, TEACHER
from tests.browser.test_accessible import violations

SECRET = "open-sesame"
HOSTILE = ["<img src=x onerror=x()>", "[a](x) $x$ **b** `c`", "\u202eevil", "=1+1", ""]


@pytest.fixture
def server(start_server, tmp_path):
    """A server that saves. Calling it starts the server again on the same port."""
    port = free_port()
    variables = {STORE: str(tmp_path / "runs.sqlite"), TEACHER: SECRET}
    running = []

    def start():
        if running:
            running[-1].send_signal(signal.SIGKILL)
            running[-1].wait(20)
        running.append(start_server(port, **variables))

    start()
    start.url = f"http://localhost:{port}/"
    return start


class People:
    """The pages of a teacher and of students, each in a browser of their own."""

    def __init__(self, browser, url):
        self.browser, self.url, self.contexts, self.complaints = browser, url, [], []
        self.teacher = self.page(1280, 720)
        self.teacher.goto(f"{url}?teach={SECRET}")
        self.teacher.wait_for_selector(".mlpviz-code b", timeout=60_000)
        self.code = self.teacher.inner_text(".mlpviz-code b").replace(" ", "")
        self.students = []

    def page(self, width, height):
        context = self.browser.new_context(viewport={"width": width, "height": height})
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        return page

    def join(self, name):
        page = self.page(*((1440, 900) if len(self.students) % 2 else (375, 720)))
        page.goto(f"{self.url}?class={self.code}" if self.students else f"{self.url}?class")
        if not self.students:
            page.get_by_label("Code of the class").fill(self.code, timeout=60_000)
        page.get_by_label("Your name").fill(name, timeout=60_000)
        page.get_by_role("button", name="Join", exact=True).click()
        page.wait_for_selector(".board[data-step]", timeout=60_000)
        self.students.append(page)
        return page

    def say(self, name):
        self.teacher.get_by_role("button", name=name, exact=True).click()

    def menu(self, name):
        self.teacher.locator(".st-key-class_bar").get_by_role("button", name=name).click()

    def wait_for_all(self, script, argument=None):
        for page in self.students:
            page.wait_for_function(script, arg=argument, timeout=20_000)

    def close(self):
        for context in self.contexts:
            context.close()


@pytest.fixture
def people(browser, server):
    people = People(browser, server.url)
    yield people
    people.close()


EYES = "open => Boolean(document.querySelector('dialog.mlpviz-eyes[open]')) === open"
QUESTION = "open => Boolean(document.querySelector('dialog.mlpviz-question[open]')) === open"


def test_a_lesson_with_seven_students(people, server):
    teacher = people.teacher
    assert violations(teacher) == []
    for name in (*HOSTILE, "Žofie", "Ben"):
        people.join(name)
    tiles = teacher.locator(".board .members li")
    tiles.nth(6).wait_for()
    names = teacher.locator(".board .members .name").all_inner_texts()
    assert names[:2] == HOSTILE[:2]
    assert names[2] == "evil" and names[5:] == ["Žofie", "Ben"] and len(names[4].split()) == 2
    assert teacher.locator(".board .members img, .board .members a").count() == 0
    assert violations(people.students[1]) == []

    # deal: every page gets another run by itself
    people.menu("Deal")
    people.say("Deal to everybody")
    rates = set()
    for student in people.students:
        student.wait_for_function("code => !location.search.includes('learning_rate=0.1&')", timeout=30_000)
        student.wait_for_function("() => /learning_rate|batch_size/.test(location.search)", timeout=30_000)
        rates.add(student.evaluate("new URLSearchParams(location.search).toString()").split("&run=")[0])
    assert len(rates) == 7, "each has other settings"

    # predict, and start all
    teacher.keyboard.press("Escape")
    people.menu("Predict")
    people.say("Ask")
    people.wait_for_all(QUESTION, True)
    assert violations(people.students[1]) == []
    for i, student in enumerate(people.students):
        student.locator("dialog.mlpviz-question button").nth(0 if i < 5 else 2).click()
    people.wait_for_all(QUESTION, False)
    teacher.get_by_text("7 of 7 students answered (7 here now). The predictions are hidden.").wait_for()
    teacher.keyboard.press("Escape")
    people.say("Show predictions and start all")
    people.wait_for_all(
        "() => document.querySelector('.mlpviz-chip [role=status]')?.textContent.includes('of 7 students')"
    )
    assert (
        people.students[0].inner_text(".mlpviz-chip [role=status]")
        == "You predicted: It falls. 5 of 7 students predicted this."
    )

    # eyes here, and let go
    people.menu("Eyes here")
    teacher.get_by_label("Sentence").fill("Look <b>here</b>")
    teacher.get_by_label("Sentence").press("Enter")
    people.say("Show it on all screens")
    people.wait_for_all(EYES, True)
    student = people.students[1]
    assert student.inner_text("dialog.mlpviz-eyes p") == "Look <b>here</b>"
    assert violations(student) == []
    step = student.get_attribute(".board", "data-step")
    student.keyboard.press("Escape")
    student.keyboard.press("p")
    student.wait_for_timeout(500)
    assert student.evaluate(EYES, True) and student.get_attribute(".board", "data-step") == step, "no key gets through"
    student.reload()
    student.wait_for_function(EYES, arg=True, timeout=60_000)
    people.say("Let go")
    people.wait_for_all(EYES, False)

    # one run is shown to the class, without its link
    teacher.locator(".board .members li").filter(has_text="Ben").get_by_role("button").click()
    teacher.get_by_role("heading", name="Ben").wait_for()
    teacher.wait_for_selector(".st-key-class_shown .card .main-svg")
    assert "watch=" not in teacher.url
    assert violations(teacher) == []
    people.say("Back to the class")

    # the server is killed, and everything is there again
    server()
    teacher.reload()
    teacher.locator(".board .members li").nth(6).wait_for(timeout=60_000)
    assert teacher.locator(".board .members .name").all_inner_texts() == names
    zofie = people.students[5]  # a wide page
    zofie.reload()
    zofie.wait_for_selector(".board[data-step]", timeout=60_000)
    assert "you are Žofie" in zofie.inner_text(".st-key-my_class")
    people.say("Pause all")
    zofie.wait_for_function("() => ['paused', 'finished'].includes(document.querySelector('.board')?.dataset.status)")

    # all is deleted
    people.menu("More")
    teacher.get_by_text("Delete the class, with the names").click()
    people.say("Delete everything")
    teacher.get_by_role("radio", name="Class").wait_for(state="detached")
    assert people.complaints == []
