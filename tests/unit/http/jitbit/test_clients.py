"""Public clients of Jitbit, each asking in its own way: the case of paths and names, where parameters stand, how truths, dates and
lists are written, which of two verbs. What is asked is right, so it must be answered, and in the documented shape.

The clients, by the name of their repository: composer-jitbit (PHP), jitbit-api (Python), jitbit-js, jitbit-helpdesk-mcp (the vendor's),
JitBitPS (PowerShell), jitbit-dotnet, JitBitClient, JitbitTools (.NET), Jitbit-Config (Node-RED), jitbitbar, AIWorkAssistant (axios);
`any` is a way that the documentation allows and none of them was seen to use.
"""

from __future__ import annotations

import pytest

from helpdeskd.desk import companies
from helpdeskd.http.jitbit.routes import ROUTES
from tests.unit.http.jitbit.clients import Row, World, judge
from tests.unit.http.jitbit.conftest import House
from tests.unit.http.jitbit.sending import (
    form,
    form_in_utf8,
    json_,
    json_of_texts,
    multipart,
    multipart_of_dotnet,
    nothing,
    query,
    query_of_axios,
)

T = "tina the-token-of-tina-0123"
A = "ada the-token-of-ada-0123"
PICTURE = (("uploadFile", "a.png", b"1"), ("uploadFile", "b.png", b"22"))

# fmt: off
CREATING = [
    Row("composer-jitbit", "tina", "POST /jitbit/api/ticket", query,
        {"Subject": "Lamp & door", "Body": "It is out.", "CategoryID": "$support", "PriorityID": "-1", "UserID": "$dan", "tags": "a,b"}, "number",
        "ticket", {"Subject": "Lamp & door", "Priority": "-1", "UserID": "$dan", "Tags": "a, b", "Origin": "API"}),
    Row("jitbit-js", T, "POST /jitbit/helpdesk/api/ticket", query,
        {"categoryId": "$support", "body": "Ünter", "subject": "Lamp", "priorityId": "1", "userEmail": "dan@client.example", "userId": "$dan",
         "origin": "6", "tags": "tags=a,b", "assignedToUserId": "$tina", "customFields": '{"$room":"Attic"}', "suppressConfirmation": "true"}, "number",
        "ticket", {"Body": "Ünter", "UserID": "$dan", "Origin": "Phone", "Tags": "a, b", "AssignedToUserID": "$tina"}),
    Row("jitbit-api", "carol", "POST /jitbit/api/Ticket", form,
        {"categoryId": "$support", "body": "It is out.", "subject": "Lamp", "priorityId": "1"}, "number", "ticket", {"UserID": "$carol", "Priority": "1"}),
    Row("AIWorkAssistant", T, "POST /jitbit/api/Ticket", form_in_utf8,
        {"categoryId": "$support", "subject": "Lamp", "body": "Out", "priorityId": "2", "tags": "x", "forTechsOnly": "false", "dueDate": "2026-04-01"}, "number",
        "ticket", {"Priority": "2", "Tags": "x"}),
    Row("JitBitPS", T, "POST /jitbit/Api/ticket", multipart,
        {"CategoryID": "$support", "Body": "<b>Out</b>", "Subject": "Lamp", "PriorityId": "0", "UserId": "$dan", "tags": "a,b"}, "number",
        "ticket", {"Body": "<!--html--><b>Out</b>", "Attachments": "a.png, b.png"}, PICTURE),
    Row("JitBitClient", "tina", "POST /jitbit/api/ticket", multipart_of_dotnet,
        {"categoryId": "$support", "body": "Ünter", "subject": "Lämp", "priorityId": "0", "userId": "$dan", "tags": "ä"}, "number",
        "ticket", {"Subject": "Lämp", "Body": "Ünter", "Tags": "ä", "UserID": "$dan"}),
    Row("JitBitClient", "carol", "POST /jitbit/api/ticket", multipart_of_dotnet,
        {"categoryId": "$support", "body": "See here.", "subject": "Lamp", "priorityId": "0"}, "number",
        "ticket", {"Attachments": "Lämpchen 1.png, b.png"}, (("file", "Lämpchen 1.png", b"1"), ("b", "b.png", b"2"))),
    Row("Jitbit-Config", T, "POST /jitbit/helpdesk/api/ticket", json_of_texts,
        {"categoryId": "$support", "body": "Out", "subject": "Lamp", "userId": "$dan", "tags": "NodeRED"}, "number", "ticket", {"Tags": "nodered", "UserID": "$dan"}),
    Row("any", "tina", "POST /jitbit/api/ticket", json_,
        {"CategoryID": "$support", "BODY": "Out", "subject": "Lamp", "priorityId": "-1", "suppressConfirmation": "true", "assignedToUserId": "$sven"}, "number",
        "ticket", {"Priority": "-1", "AssignedToUserID": "$sven"}),
]

COMMENTING = [
    Row("composer-jitbit", "tina", "POST /jitbit/api/comment", query, {"Body": "Pull it.\nNow.", "id": "$ticket", "forTechsOnly": "false"}, "number",
        "comment", {"ForTechsOnly": "False", "UserID": "$tina", "IssueID": "$ticket"}),
    Row("FedEx_JitBit_Tracking_API", T, "POST /jitbit/api/comment", query, {"id": "$ticket", "body": "On its way", "forTechsOnly": "True"}, "number",
        "comment", {"Body": "On its way", "ForTechsOnly": "True"}),
    Row("jitbitbar", T, "POST /jitbit/api/comment", form_in_utf8, {"id": "$ticket", "body": "Zieh, bitte: ä", "forTechsOnly": "true"}, "number",
        "comment", {"Body": "Zieh, bitte: ä", "ForTechsOnly": "True"}),
    Row("JitbitTools", "tina", "POST /jitbit/API/comment", form, {"id": "$ticket", "body": "Pull it.", "forTechsOnly": "False"}, "number",
        "comment", {"Body": "Pull it.", "ForTechsOnly": "False"}),
    Row("AIWorkAssistant", T, "POST /jitbit/api/comment", form_in_utf8, {"id": "$ticket", "body": "Seen", "forTechsOnly": "false", "isSystem": "true"}, "number",
        "comment", {"IsSystem": "True"}),
    Row("JitBitPS", A, "POST /jitbit/Api/comment", multipart, {"Id": "$ticket", "Body": "12", "isSystem": "False", "recipientIds": "$carol,$tina", "fromUserId": "$tina"},
        "number", "comment", {"Body": "12", "UserID": "$tina"}),
    Row("any", "tina", "POST /jitbit/api/comment", multipart_of_dotnet, {"id": "$ticket", "body": "See", "forTechsOnly": "True"}, "number",
        "ticket itself", {"Attachments": "ä.png"}, (("file", "ä.png", b"1"),)),
    Row("jitbit-js", T, "POST /jitbit/api/comment", json_, {"id": "$ticket", "body": "<p>Pull it.</p>", "forTechsOnly": "false", "recipientIds": ["$carol", "$tina"]}, "number",
        "comment", {"Body": "<!--html--><p>Pull it.</p>"}),
    Row("any", "carol", "POST /jitbit/api/Comment", json_of_texts, {"ID": "$ticket", "Body": "Still out."}, "number", "comment", {"UserID": "$carol"}),
]

CHANGING = [
    Row("composer-jitbit", "tina", "POST /jitbit/api/UpdateTicket", query,
        {"CategoryID": "$support", "TimeSpentInSeconds": "90", "assignedUserId": "$tina", "StatusID": "2", "Tags": "a,b", "id": "$ticket"}, "nothing",
        "ticket", {"TimeSpentInSeconds": "90", "AssignedToUserID": "$tina", "StatusID": "2", "Tags": "a, b"}),
    Row("jitbit-js", T, "POST /jitbit/api/UpdateTicket", query, {"id": ["$ticket", "$other"], "priority": "2", "dueDate": "2026-04-01", "subject": "Lamp 2"}, "nothing",
        "ticket", {"Priority": "2", "DueDate": "2026-04-01T00:00:00Z", "Subject": "Lamp 2"}),
    Row("JitbitTools", "tina", "POST /jitbit/API/UpdateTicket", form, {"id": "$ticket", "statusID": "3"}, "nothing", "ticket", {"Status": "Closed"}),
    Row("AIWorkAssistant", T, "POST /jitbit/api/UpdateTicket", form_in_utf8, {"id": "$ticket", "dueDate": "", "assignedUserId": "0", "closeDate": "2026-03-01T12:00:00.000Z", "statusId": "3"},
        "nothing", "ticket", {"DueDate": "None", "AssignedToUserID": "None", "ResolvedDate": "2026-03-01T12:00:00Z"}),
    Row("JitBitPS", T, "POST /jitbit/Api/UpdateTicket", form, {"id": "$ticket", "dueDate": "04/01/2026 12:30:05", "date": "02/01/2026 08:00:00", "userId": "$dan", "body": "New words"}, "nothing",
        "ticket", {"DueDate": "2026-04-01T12:30:05Z", "IssueDate": "2026-02-01T08:00:00Z", "UserID": "$dan", "Body": "New words"}),
    Row("any", "tina", "POST /jitbit/api/UpdateTicket", multipart_of_dotnet, {"id": "$ticket", "tags": "a", "priority": "-1"}, "nothing", "ticket", {"Tags": "a", "Priority": "-1"}),
    Row("any", "tina", "POST /jitbit/api/updateticket", json_, {"id": "$ticket", "statusId": "2", "timeSpentInSeconds": "60"}, "nothing",
        "ticket", {"Status": "In progress", "TimeSpentInSeconds": "60"}),
    Row("JitBitPS", T, "POST /jitbit/Api/SetCustomFields", form, {"TicketId": "$ticket", "cf$room": "Attic"}, "nothing", "value", {"Value": "Attic"}),
    Row("Jitbit-Config", T, "POST /jitbit/helpdesk/api/SetCustomField", query, {"ticketId": "$ticket", "fieldId": "$size", "value": "xl"}, "nothing", "value", {"Value": "XL"}),
    Row("JitbitTools", "tina", "POST /jitbit/API/SetCustomField", form, {"ticketid": "$ticket", "fieldId": "$room", "value": "ä"}, "nothing", "value", {"Value": "ä"}),
    Row("JitBitClient", "tina", "POST /jitbit/api/SetCustomField", multipart_of_dotnet, {"ticketId": "$ticket", "fieldId": "$room", "value": "ä"}, "nothing", "value", {"Value": "ä"}),
    Row("any", "tina", "POST /jitbit/api/SetCustomField", json_, {"ticketId": "$ticket", "fieldId": "$size", "value": "$xl"}, "nothing", "value", {"Value": "XL", "OptionID": "$xl"}),
    Row("jitbitbar", T, "POST /jitbit/api/Close", form_in_utf8, {"id": "$ticket", "suppressNotification": "true"}, "nothing", "ticket", {"Status": "Closed"}),
    Row("AIWorkAssistant", T, "POST /jitbit/api/Close", query_of_axios, {"id": "$ticket", "suppressNotification": "false"}, "nothing", "ticket", {"StatusID": "3"}),
    Row("any", "carol", "GET /jitbit/api/Close", query, {"id": "$ticket"}, "nothing", "ticket", {"StatusID": "3"}),
    Row("jitbit-js", "ada", "POST /jitbit/api/deleteTicket", query, {"ticketId": "$ticket", "id": "$ticket"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/MergeTickets", form, {"id": "$ticket", "id2": "$other"}, "nothing"),
    Row("AIWorkAssistant", T, "POST /jitbit/api/MergeTickets", json_, {"id": "$ticket", "id2": "$other"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/LinkTickets", form, {"id": "$ticket", "id2": "$other"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/UnlinkTickets", form, {"id": "$linked", "id2": "$other"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/AddSubTicket", form, {"parentId": "$ticket", "childId": "$other"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/RemoveSubTicket", form, {"childId": "$other", "was": "$parent"}, "nothing"),
    Row("AIWorkAssistant", T, "POST /jitbit/api/TagTicket", query_of_axios, {"ticketId": "$ticket", "name": "loud"}, "nothing", "ticket", {"Tags": "loud"}),
    Row("AIWorkAssistant", T, "POST /jitbit/api/AddTimeSpent", form_in_utf8, {"ticketId": "$ticket", "timeSpentInSeconds": "60"}, "nothing", "ticket", {"TimeSpentInSeconds": "60"}),
    Row("AIWorkAssistant", T, "POST /jitbit/api/ForwardTicket", form_in_utf8, {"id": "$ticket", "to": "eve@other.example", "cc": "a@other.example,b@other.example", "body": "See"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/AddSubscriber", form, {"id": "$ticket", "userId": "$dan"}, "nothing"),
    Row("AIWorkAssistant", T, "POST /jitbit/api/AddSubscriber", query_of_axios, {"id": "$ticket"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/RemoveSubscriber", form, {"id": "$heard", "userId": "$dan"}, "nothing"),
    Row("JitBitPS", T, "POST /jitbit/Api/AttachFile", multipart, {"id": "$ticket"}, "nothing", "ticket", {"Attachments": "a.png, b.png"}, PICTURE),
    Row("ETL-JitBit", "tina", "POST /jitbit/api/AttachFile", multipart, {"id": "$ticket"}, "nothing", "ticket", {"Attachments": "a.png"}, (("a.png", "a.png", b"1"),)),
    Row("AIWorkAssistant", T, "POST /jitbit/api/AttachFile", multipart, {"id": "$ticket"}, "nothing", "ticket", {"Attachments": "a b.png"}, (("file", "a b.png", b"1"),)),
    Row("AIWorkAssistant", T, "GET /jitbit/api/DeleteFile", query, {"id": "$file"}, "nothing", "ticket", {"Attachments": ""}),
    Row("any", "tina", "POST /jitbit/api/updatecomment", form, {"id": "$comment", "body": "Do not."}, "nothing", "comment", {"Body": "Do not."}),
]

READING = [
    Row("jitbit-api", "carol", "GET /jitbit/api/Authorization", query, {}, "User"),
    Row("JitBitPS", T, "POST /jitbit/Api/Authorization", nothing, {}, "User"),
    Row("jitbit-helpdesk-mcp", T, "GET /jitbit/api/Tickets", query, {"count": "25", "offset": "0"}, "[TicketSummary]"),
    Row("jitbit-helpdesk-mcp", T, "GET /jitbit/api/Tickets", query, {"mode": "unanswered", "statuses": "New", "count": "25", "offset": "0"}, "[TicketSummary]"),
    Row("jitbit-helpdesk-mcp", T, "GET /jitbit/api/Tickets", query, {"mode": "updated", "has": "$answered_by_customer", "count": "25", "offset": "0"}, "[TicketSummary]"),
    Row("jitbit-js", T, "GET /jitbit/helpdesk/api/tickets", query,
        {"mode": "unclosed", "categoryId": ["$support", "$sales"], "statusId": ["1", "2"], "dateFrom": "2026-02-01", "dateTo": "2026-03-01", "includeCustomFields": "true",
         "fullDetails": "true", "count": "300"}, "[TicketSummary]"),
    Row("JitbitTools", "tina", "POST /jitbit/api/Tickets", form, {"categoryId": "$support", "count": "100", "offset": "0", "mode": "unclosed"}, "[TicketSummary]"),
    Row("jitbit-api", "tina", "GET /jitbit/api/Tickets", query,
        {"mode": "all", "categoryid": "", "sectionId": "", "statusId": "", "fromUserId": "", "fromCompanyId": "", "handledByUserID": "", "tagName": "", "dateFrom": "", "dateTo": "",
         "updatedFrom": "", "updatedTo": "", "count": "", "offset": ""}, "[TicketSummary]"),
    Row("jitbitbar", T, "GET /jitbit/api/Tickets", query, {"mode": "handledbyme", "count": "50"}, "[TicketSummary]"),
    Row("CaseWeaver", A, "GET /jitbit/api/Tickets", query, {"updatedFrom": "2026-02-27", "count": "100", "offset": "0"}, "[TicketSummary]"),
    Row("AIWorkAssistant", A, "GET /jitbit/api/Tickets", query, {"updatedByType": "tech", "count": "1"}, "[TicketSummary]"),
    Row("jitbit-js", T, "GET /jitbit/api/ticket", query, {"IssueID": "$printer", "id": "$printer"}, "TicketDetail"),
    Row("JitBitClient", "tina", "GET /jitbit/api/ticket/$printer", query, {}, "TicketDetail"),
    Row("jitbit-helpdesk-mcp", T, "GET /jitbit/api/Ticket", query, {"id": "$printer"}, "TicketDetail"),
    Row("jitbit-helpdesk-mcp", T, "GET /jitbit/api/Comments", query, {"id": "$printer"}, "[Comment]"),
    Row("JitBitClient", "tina", "GET /jitbit/api/comments/$printer", query, {}, "[Comment]"),
    Row("jitbit-helpdesk-mcp", T, "GET /jitbit/api/Search", query, {"query": "burns", "count": "25", "offset": "0"}, "[TicketSummary]"),
    Row("AIWorkAssistant", T, "GET /jitbit/api/Search", query, {"query": "printer", "categoryId": "$support", "fromUserId": "$carol", "assignedToUserId": "$tina"}, "[TicketSummary]"),
    Row("jitbit-dotnet", "tina", "GET /jitbit/api/Stats", query, {}, "Stats"),
    Row("JitBitClient", "tina", "POST /jitbit/api/categories", nothing, {}, "[Category]"),
    Row("composer-jitbit", "tina", "GET /jitbit/api/categories", query, {}, "[Category]"),
    Row("JitBitPS", T, "GET /jitbit/Api/TechsForCategory", query, {"id": "$support"}, "[User]"),
    Row("jitbit-api", "tina", "GET /jitbit/api/CustomFieldsForCategory", query, {"id": "$support", "has": "$room"}, "[CustomField]"),
    Row("JitBitPS", T, "GET /jitbit/Api/CustomFieldsForCategory", query, {"categoryId": "$support", "has": "$room"}, "[CustomField]"),
    Row("JitbitTools", "tina", "GET /jitbit/api/TicketCustomFields", query, {"id": "$filled"}, "[CustomField]"),
    Row("JitBitPS", T, "GET /jitbit/Api/TicketCustomFields", query, {"id": "$ticket", "returnUnset": "True", "has": "$room"}, "[CustomField]"),
    Row("AIWorkAssistant", T, "GET /jitbit/api/Attachments", query, {"id": "$printer"}, "[Attachment]"),
    Row("jitbit-js", T, "GET /jitbit/api/attachment", query, {"FileID": "$file", "id": "$file"}, "bytes"),
    Row("AIWorkAssistant", T, "GET /jitbit/api/Attachment/$file", query, {}, "bytes"),
    Row("JitBitClient", "tina", "GET /jitbit/api/Subscribers/$printer", query, {}, "[Subscriber]"),
    Row("JitBitPS", T, "GET /jitbit/Api/Subscribers", query, {"id": "$printer"}, "[Subscriber]"),
    Row("JitBitPS", T, "GET /jitbit/Api/LinkedTickets", query, {"id": "$linked"}, "[TicketSummary]"),
    Row("JitBitPS", T, "GET /jitbit/Api/SubTickets", query, {"id": "$parent"}, "[TicketSummary]"),
    Row("JitBitPS", T, "GET /jitbit/Api/TicketIntegrationData", query, {"id": "$printer"}, "{}"),
    Row("AIWorkAssistant", T, "GET /jitbit/api/TimeSpentLog", query, {"ticketId": "$timed"}, "[TimeSpent]"),
]

PEOPLE = [
    Row("composer-jitbit", "ada", "POST /jitbit/api/CreateUser", query,
        {"Username": "$new", "Password": "a good password", "Email": "$new@made.example", "FirstName": "Eva", "LastName": "Van Dam"}, "number",
        "made user", {"Username": "$new", "FirstName": "Eva", "LastName": "Van Dam"}),
    Row("jitbit-api", "ada", "POST /jitbit/api/CreateUser", form,
        {"username": "$new", "password": "a good password", "email": "$new@made.example", "firstName": "Eva", "lastName": "Dam", "phone": "", "location": "", "company": "Dam & Co",
         "sendWelcomeEmail": "False"}, "number", "made user", {"CompanyName": "Dam & Co", "Phone": ""}),
    Row("JitBitClient", "ada", "POST /jitbit/api/CreateUser", multipart_of_dotnet,
        {"username": "$new", "password": "a good password", "email": "$new@made.example", "firstName": "Éva", "lastName": "Dam", "phone": "1", "location": "Attic", "company": "Acme",
         "department": "Yard", "sendWelcomeEmail": "true"}, "number", "made user", {"FirstName": "Éva", "DepartmentName": "Yard", "CompanyId": "$acme"}),
    Row("any", A, "POST /jitbit/api/CreateUser", json_,
        {"username": "$new", "password": "a good password", "email": "$new@made.example", "sendWelcomeEmail": "false"}, "number", "made user", {"Email": "$new@made.example"}),
    Row("composer-jitbit", "ada", "POST /jitbit/api/UpdateUser", query, {"disabled": "true", "userId": "$user"}, "nothing", "user", {"Disabled": "True"}),
    Row("composer-jitbit", "ada", "POST /jitbit/api/UpdateUser", query, {"FirstName": "Eve", "department": "Yard", "userId": "$user"}, "nothing", "user", {"FirstName": "Eve", "DepartmentName": "Yard"}),
    Row("jitbit-api", "ada", "POST /jitbit/api/UpdateUser", form,
        {"userId": "$user", "username": "$new", "email": "$new@client.example", "firstName": "Eva", "lastName": "Dam", "phone": "1", "location": "Attic", "company": "Acme", "department": "",
         "disabled": "False", "notes": "Careful"}, "nothing", "user", {"Username": "$new", "CompanyName": "Acme", "Disabled": "False", "Notes": "Careful"}),
    Row("JitBitPS", A, "POST /jitbit/Api/UpdateUser", form,
        {"userId": "$user", "Disabled": "False", "EnableEmailNotifications": "False", "Greeting": "Hi", "Signature": "Bye", "outOfOffice": "True"}, "nothing",
        "user", {"SendEmail": "False", "Greeting": "Hi", "Signature": "Bye", "OutOfOffice": "True"}),
    Row("JitBitPS", A, "POST /jitbit/Api/DeleteUser", form, {"userId": "$user"}, "nothing"),
    Row("any", A, "POST /jitbit/api/MergeUsers", form, {"id": "$dan", "id2": "$user"}, "nothing"),
    Row("jitbit-js", T, "GET /jitbit/api/User", query, {"userId": "$dan", "username": "", "email": ""}, "User"),
    Row("jitbit-js", T, "GET /jitbit/api/UserByEmail", query, {"userId": "", "username": "", "email": "dan@client.example"}, "User"),
    Row("jitbit-api", "tina", "GET /jitbit/api/UserByEmail", query, {"email": "Dan@Client.example"}, "User"),
    Row("composer-jitbit", "tina", "GET /jitbit/api/UserByUsername", query, {"username": "dan"}, "User"),
    Row("jitbit-api", "ada", "GET /jitbit/api/Users", query, {"count": "500", "page": "1", "listMode": "all"}, "[User]"),
    Row("JitBitPS", A, "GET /jitbit/Api/Users", query, {"listMode": "techs", "count": "500"}, "[User]"),
    Row("JitBitPS", A, "GET /jitbit/Api/UserCustomFields", query, {"userId": "$dan", "has": "$badge"}, "[CustomField]"),
    Row("JitBitPS", A, "POST /jitbit/Api/SetCustomFieldForUser", form, {"userId": "$user", "fieldId": "$badge", "value": "7"}, "nothing"),
    Row("jitbit-api", "tina", "GET /jitbit/api/Companies", query, {}, "[Company]"),
    Row("AIWorkAssistant", T, "GET /jitbit/api/Companies", query, {"count": "500", "page": "1"}, "[Company]"),
    Row("JitBitPS", A, "POST /jitbit/Api/Company", form, {"name": "$new", "emailDomains": "$new.example;www.$new.example"}, "number",
        "company", {"Name": "$new", "EmailDomain": "$new.example;www.$new.example"}),
    Row("JitBitPS", A, "POST /jitbit/Api/UpdateCompany", form, {"id": "$company", "name": "$new Ltd", "notes": "Good"}, "nothing", "company", {"Name": "$new Ltd", "Notes": "Good"}),
    Row("JitBitPS", A, "GET /jitbit/Api/CompanyCustomFields", query, {"id": "$acme", "has": "$contract"}, "[CustomField]"),
    Row("JitBitPS", A, "POST /jitbit/Api/SetCustomFieldForCompany", form, {"id": "$company", "fieldId": "$contract", "value": "C1"}, "nothing"),
    Row("any", T, "GET /jitbit/api/Departments", query, {}, "[Department]"),
]

ASSETS = [
    Row("jitbit-dotnet", "ada", "POST /jitbit/api/Asset", json_,
        {"ModelName": "X1", "Manufacturer": "Maker", "Type": "Laptop", "Supplier": "Shop", "SerialNumber": "7", "Location": "Attic", "Comments": "Old", "Quantity": "2"}, "Made",
        "asset", {"ModelName": "X1", "Quantity": "2", "SerialNumber": "7"}),
    Row("composer-jitbit", "ada", "POST /jitbit/api/Asset", query, {"ModelName": "X2", "Manufacturer": "Maker", "Type": "Laptop", "Supplier": "Shop"}, "Made",
        "asset", {"ModelName": "X2", "Quantity": "1"}),
    Row("JitBitPS", A, "POST /jitbit/Api/Asset", form, {"modelName": "X3", "manufacturer": "Maker", "type": "Laptop", "supplier": "Shop", "quantity": "3"}, "Made", "asset", {"Quantity": "3"}),
    Row("jitbit-dotnet", "ada", "POST /jitbit/api/UpdateAsset", json_, {"id": "$asset", "ModelName": "X4", "Location": "Cellar"}, "Asset", "asset", {"ModelName": "X4", "Location": "Cellar"}),
    Row("composer-jitbit", "ada", "POST /jitbit/api/UpdateAsset", query, {"id": "$asset", "Quantity": "5"}, "Asset", "asset", {"Quantity": "5"}),
    Row("jitbit-dotnet", "ada", "GET /jitbit/api/Assets", query, {"page": "1", "has": "$asset"}, "[Asset]"),
    Row("jitbit-api", "ada", "GET /jitbit/api/Assets", query, {"page": "", "assignedToUserId": "", "assignedToCompanyId": "", "assignedToDepartmentId": "", "has": "$asset"}, "[Asset]"),
    Row("AIWorkAssistant", A, "GET /jitbit/api/Assets", query, {"assignedToUserId": "$carol", "includeDisabled": "true", "has": "$held"}, "[Asset]"),
    Row("composer-jitbit", "ada", "GET /jitbit/api/Asset", query, {"id": "$asset"}, "Asset"),
    Row("AIWorkAssistant", A, "POST /jitbit/api/DisableAsset", form_in_utf8, {"assetId": "$asset"}, "nothing", "asset", {"Disabled": "True"}),
    Row("JitBitPS", A, "POST /jitbit/Api/AssignAssetToUser", form, {"assetId": "$asset", "userId": "$carol"}, "nothing", "asset", {"AssignedUsers": "carol"}),
    Row("any", A, "POST /jitbit/api/UnAssignAssetToUser", form, {"assetId": "$held", "userId": "$carol"}, "nothing", "asset", {"AssignedUsers": ""}),
    Row("JitBitPS", A, "POST /jitbit/Api/AddAssetToTicket", form, {"assetId": "$asset", "ticketId": "$ticket"}, "nothing", "asset", {"TicketCount": "1"}),
    Row("jitbit-dotnet", "ada", "POST /jitbit/api/SetCustomFieldForAsset", json_, {"id": "$asset", "fieldId": "$weight", "value": "2 kg"}, "nothing"),
    Row("composer-jitbit", "ada", "POST /jitbit/api/SetCustomFieldForAsset", query, {"id": "$asset", "fieldId": "$weight", "value": "2 kg"}, "nothing"),
]

KNOWING = [
    Row("jitbit-api", "carol", "GET /jitbit/api/Articles", query, {"has": "$article"}, "Articles"),
    Row("S4U_JitBit_Tickets", "tina", "GET /jitbit/api/Articles", query, {"categoryId": "$support", "has": "$article"}, "Articles"),
    Row("S4U_JitBit_Tickets", "tina", "GET /jitbit/api/Article/$article", query, {}, "ArticleDetail"),
    Row("JitBitPS", T, "GET /jitbit/Api/Article", query, {"id": "$article"}, "ArticleDetail"),
    Row("any", T, "POST /jitbit/api/article", json_, {"subject": "Plugs", "body": "<p>Pull.</p>", "categoryId": "$support", "tags": "a,b", "forTechsOnly": "true"}, "number"),
    Row("JitBitPS", T, "GET /jitbit/Api/CommentTemplates", query, {"has": "$template"}, "[Template]"),
    Row("JitBitPS", A, "GET /jitbit/Api/Rule/1", query, {}, "Rule"),
    Row("JitBitPS", A, "GET /jitbit/Api/EnableRule/1", query, {}, "nothing"),
    Row("AIWorkAssistant", A, "POST /jitbit/api/EnableRule/1", query_of_axios, {}, "nothing"),
    Row("AIWorkAssistant", A, "POST /jitbit/api/DisableRule/1", query_of_axios, {}, "nothing"),
]
# fmt: on

ROWS = CREATING + COMMENTING + CHANGING + READING + PEOPLE + ASSETS + KNOWING


@pytest.fixture(scope="module")
def tokens(house: House) -> House:
    for who in ("ada", "tina"):
        house.key(who, f"the-token-of-{who}-0123")
    house.write(companies.division_named, name="Yard", actor=None)
    return house


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_client_is_understood(tokens: House, row: Row) -> None:
    judge(row, World(tokens))


def test_no_method_is_left_out() -> None:
    asked = {row.line.lower().split("/api/")[1].split("/")[0] for row in ROWS}
    served = {route.paths.split()[0].strip("/").lower() for route in ROUTES}
    assert served == asked


@pytest.mark.parametrize(
    ("client", "path"),
    [
        ("FedEx_JitBit_Tracking_API", "comment?id=1&body=x"),
        ("jitbit-api", "AddSubscriber?id=1&userId=2"),
        ("jitbit-api", "MergeTickets?id=1&id2=2"),
    ],
)
def test_what_a_client_may_not_do_by_get(house: House, client: str, path: str) -> None:
    """Known to be asked, and refused all the same: a link that somebody follows must change nothing."""
    assert (client, house.ask("ada", "GET", path).status_code) == (client, 405)
