{
 "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
 "verificationMaterial": {
  "publicKey": {
   "hint": "155c8cd6308ec6f36a8e0537d2e9c7d976125744947e687a7509e551aa9234fb"
  },
  "tlogEntries": []
 },
 "dsseEnvelope": {
  "payload": "eyJfdHlwZSI6ICJodHRwczovL2luLXRvdG8uaW8vU3RhdGVtZW50L3YxIiwgInN1YmplY3QiOiBbeyJuYW1lIjogIm1vZGVsIiwgImRpZ2VzdCI6IHsic2hhMjU2IjogImZmMjI5ZjRlOTcyMmZlMjI5YzhmMjE2NTU0OWI1MmY1Y2QyYmRlYTczYjBiODMwZGJlYzE1ZWIwODk1ZmM3MWEifX1dLCAicHJlZGljYXRlVHlwZSI6ICJodHRwczovL21vZGVsX3NpZ25pbmcvc2lnbmF0dXJlL3YxLjAiLCAicHJlZGljYXRlIjogeyJzZXJpYWxpemF0aW9uIjogeyJtZXRob2QiOiAiZmlsZXMiLCAiaGFzaF90eXBlIjogInNoYTI1NiIsICJhbGxvd19zeW1saW5rcyI6IGZhbHNlLCAiaWdub3JlX3BhdGhzIjogWyIuZ2l0IiwgIm1vZGVsLnNpZyJdfSwgInJlc291cmNlcyI6IFt7Im5hbWUiOiAiY29uZmlnLmpzb24iLCAiYWxnb3JpdGhtIjogInNoYTI1NiIsICJkaWdlc3QiOiAiNjEwMmI3Yjk3N2FmNDUyYmEyOTczMDA1YzRkNTFlN2M5Y2Y5Yjc4ODU1N2ZjZjdkYWIzNTg1Yjk4Y2RhMTZmZSJ9XX19",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
   {
    "sig": "MEUCIDY2t0Jh9BNQzw1Eev9ki8wQYQFdkQ7FHlfMLX1QIcVaAiEAmsDN/iaSlqGjVDY3giSioaWQUmNLo5uIXrfMb21lEDI=",
    "keyid": ""
   }
  ]
 }
}
