// Whoever searches wants to use the program: pages of the guide come first, then the reference,
// then how it is made. The other numbers are Sphinx's own.
var Scorer = {
  score: ([page, , , , score]) => {
    if (/^(install|tutorial|guide\/)/.test(page)) return score + 100;
    return page.startsWith("reference/") ? score + 50 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
