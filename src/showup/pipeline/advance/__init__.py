"""The one door through which the pipeline changes: news in, everything that it means saved at once.

Here alone the nouns' stores may be used. The parts are stations of one batch: find its stories, tell them, meet their
people and companies, deal, save.
"""
