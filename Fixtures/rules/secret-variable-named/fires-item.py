from os import environ

key = environ["SERVICE_API_KEY"]
