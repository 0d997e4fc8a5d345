"""The routes of HelpDeskZ, as its documentation lists them; the forms without `show` are undocumented and answered too.

A POST to a collection is that of its example for users; of the others the original knows only `create`.
"""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.helpdeskz import asks, shapes, views, views_tickets

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST", "/users/create /users",                   views.create_user, "users/create", asks.NewUser, (shapes.UserMade,)),
    Route("GET",  "/users",                                 views.list_users, "users/read", asks.Users, (shapes.UserPage, shapes.UserFound), inline=True),
    Route("GET",  "/users/show/{id} /users/{id}",           views.show_user, "users/read", asks.OneUser, (shapes.UserFound,), inline=True),
    Route("POST", "/users/update/{id}",                     views.update_user, "users/update", asks.ChangedUser, (shapes.Done,)),
    Route("POST", "/users/delete/{id}",                     views.delete_user, "users/delete", asks.OneUser, (shapes.Done,)),

    Route("POST", "/departments/create",                    views.create_department, "departments/create", asks.NewDepartment, (shapes.DepartmentMade,)),
    Route("GET",  "/departments",                           views.list_departments, "departments/read", result=(shapes.DepartmentList,), inline=True),
    Route("GET",  "/departments/show/{id} /departments/{id}", views.show_department, "departments/read", asks.OneDepartment, (shapes.DepartmentFound,), inline=True),
    Route("POST", "/departments/update/{id}",               views.update_department, "departments/update", asks.ChangedDepartment, (shapes.Done,)),
    Route("POST", "/departments/delete/{id}",               views.delete_department, "departments/delete", asks.OneDepartment, (shapes.Done,)),

    Route("POST", "/tickets/create",                        views_tickets.create_ticket, "tickets/create", asks.NewTicket, (shapes.TicketMade,), files=True),
    Route("GET",  "/tickets",                               views_tickets.list_tickets, "tickets/read", asks.Tickets, (shapes.TicketPage,), inline=True),
    Route("GET",  "/tickets/show/{id} /tickets/{id}",       views_tickets.show_ticket, "tickets/read", asks.OneTicket, (shapes.TicketFound,), inline=True),
    Route("POST", "/tickets/update/{id}",                   views_tickets.update_ticket, "tickets/update", asks.ChangedTicket, (shapes.Done,)),
    Route("POST", "/tickets/delete/{id}",                   views_tickets.delete_ticket, "tickets/delete", asks.OneTicket, (shapes.Done,)),

    Route("POST", "/messages/create",                       views_tickets.create_message, "messages/create", asks.NewMessage, (shapes.Done,), files=True),
    Route("GET",  "/messages/show/{id} /messages/{id}",     views_tickets.list_messages, "messages/read", asks.Messages, (shapes.MessagePage,)),

    Route("GET",  "/attachments",                           views_tickets.list_files, "attachments/read", asks.Files, (shapes.FileList,)),
    Route("GET",  "/attachments/show/{id} /attachments/{id}", views_tickets.show_file, "attachments/download", asks.OneFile, (shapes.FileFound,)),
    Route("POST", "/attachments/delete/{id}",               views_tickets.delete_file, "attachments/delete", asks.OneFile, (shapes.Done,)),

    Route("GET",  "/staff",                                 views.list_staff, "staff/read", asks.StaffList, (shapes.StaffRows,), inline=True),
    Route("GET",  "/staff/show/{id} /staff/{id}",           views.show_staff, "staff/read", asks.OneStaff, (shapes.StaffFound,), inline=True),
    Route("POST", "/staff/auth",                            views.auth, "staff/auth", asks.Auth, (shapes.Done,), hashes=True),

    Route("GET",  "/users/new /departments/new /tickets/new /messages/new /attachments/new /staff/new", views.not_implemented),
    Route("GET",  "/users/edit/{id} /departments/edit/{id} /tickets/edit/{id} /messages/edit/{id} /attachments/edit/{id} /staff/edit/{id}", views.not_implemented),
    Route("GET",  "/messages",                              views.not_implemented),
    Route("POST", "/messages/delete/{id} /messages/update/{id} /staff/delete/{id} /staff/update/{id}", views.not_implemented),
    Route("POST", "/attachments/create /attachments/update/{id} /staff/create", views.not_implemented),
)
# fmt: on
