import uvicorn
from fastapi import FastAPI

uvicorn.run(FastAPI(), host="0.0.0.0")
