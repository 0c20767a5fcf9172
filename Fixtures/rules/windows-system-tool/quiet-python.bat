@echo off
rem certutil x
call venv\Scripts\activate.bat
python app.py %*
