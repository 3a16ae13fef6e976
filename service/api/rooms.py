"""The whole house, for the residents' and doctors' routes. The city's routes never import this."""

from typing import Annotated

from fastapi import Depends, Request

from service.house import House


async def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


HouseDep = Annotated[House, Depends(_house)]
