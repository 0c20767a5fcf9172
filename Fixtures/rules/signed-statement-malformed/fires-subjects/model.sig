{
 "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
 "verificationMaterial": {
  "publicKey": {
   "hint": "155c8cd6308ec6f36a8e0537d2e9c7d976125744947e687a7509e551aa9234fb"
  },
  "tlogEntries": []
 },
 "dsseEnvelope": {
  "payload": "eyJfdHlwZSI6ICJodHRwczovL2luLXRvdG8uaW8vU3RhdGVtZW50L3YxIiwgInN1YmplY3QiOiBbeyJuYW1lIjogIm1vZGVsIiwgImRpZ2VzdCI6IHsic2hhMjU2IjogImZmMjI5ZjRlOTcyMmZlMjI5YzhmMjE2NTU0OWI1MmY1Y2QyYmRlYTczYjBiODMwZGJlYzE1ZWIwODk1ZmM3MWEifX0sIHsibmFtZSI6ICJtb2RlbCIsICJkaWdlc3QiOiB7InNoYTI1NiI6ICJmZjIyOWY0ZTk3MjJmZTIyOWM4ZjIxNjU1NDliNTJmNWNkMmJkZWE3M2IwYjgzMGRiZWMxNWViMDg5NWZjNzFhIn19XSwgInByZWRpY2F0ZVR5cGUiOiAiaHR0cHM6Ly9tb2RlbF9zaWduaW5nL3NpZ25hdHVyZS92MS4wIiwgInByZWRpY2F0ZSI6IHsic2VyaWFsaXphdGlvbiI6IHsibWV0aG9kIjogImZpbGVzIiwgImhhc2hfdHlwZSI6ICJzaGEyNTYiLCAiYWxsb3dfc3ltbGlua3MiOiBmYWxzZSwgImlnbm9yZV9wYXRocyI6IFsiLmdpdCIsICJtb2RlbC5zaWciXX0sICJyZXNvdXJjZXMiOiBbeyJuYW1lIjogImNvbmZpZy5qc29uIiwgImFsZ29yaXRobSI6ICJzaGEyNTYiLCAiZGlnZXN0IjogIjYxMDJiN2I5NzdhZjQ1MmJhMjk3MzAwNWM0ZDUxZTdjOWNmOWI3ODg1NTdmY2Y3ZGFiMzU4NWI5OGNkYTE2ZmUifV19fQ==",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
   {
    "sig": "MEUCIEn1SSbs1OyzbQngPISb5m0w3UATk1FehKrb/Y7JjBj7AiEA1CiEOateVD6qYuOcQtKTiX0LSdriQfd/L3uMXiAvBMs=",
    "keyid": ""
   }
  ]
 }
}
