"""People: found, listed, made, changed, merged and erased."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks_users, views_users
from helpdeskd.http.jitbit.access import ADMINISTRATOR
from helpdeskd.http.jitbit.shapes_users import User

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/User",           views_users.show_user, params=asks_users.OneUser, result=(User,), inline=True),
    Route("GET POST", "/UserByEmail",    views_users.find_by_email, params=asks_users.ByEmail, result=(User,), rate="search", inline=True),
    Route("GET POST", "/UserByUsername", views_users.find_by_username, params=asks_users.ByUsername, result=(User,), inline=True),
    Route("GET POST", "/Users",          views_users.list_users, ADMINISTRATOR, asks_users.Users, (list[User],)),
    Route("POST",     "/CreateUser",     views_users.create_user, ADMINISTRATOR, asks_users.NewUser, (int,)),
    Route("POST",     "/UpdateUser",     views_users.update_user, ADMINISTRATOR, asks_users.ChangedUser),
    Route("POST",     "/DeleteUser",     views_users.delete_user, ADMINISTRATOR, asks_users.OneUser),
    Route("POST",     "/MergeUsers",     views_users.merge_users, ADMINISTRATOR, asks_users.MergedUsers),
)
# fmt: on
