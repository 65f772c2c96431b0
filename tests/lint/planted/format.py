# check: format
# at: workers/planted.py
# says: File would be reformatted
MARKS = { 'one' : 1 }
