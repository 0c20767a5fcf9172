echo done >& /dev/null
