async def sort_some(engine):
    return 0
