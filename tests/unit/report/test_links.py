"""Links in the tables of a page."""

from hepad.report import Link, Report, Table, render_report


def test_a_link_leads_to_its_file_and_holds_no_markup():
    table = Table(["Run"], [[Link("<b>report</b>", 'a "b"/report.html')]], "Runs")
    page = render_report(Report("title", summary=[table]))
    assert '<a href="a%20%22b%22/report.html">&lt;b&gt;report&lt;/b&gt;</a>' in page
