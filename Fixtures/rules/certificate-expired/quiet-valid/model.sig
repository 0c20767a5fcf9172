{
 "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
 "verificationMaterial": {
  "x509CertificateChain": {
   "certificates": [
    {
     "rawBytes": "MIIBkTCCATegAwIBAgIUXLYbhz1pEkU8jNmb9wRdq3w6jc4wCgYIKoZIzj0EAwIwHDEaMBgGA1UEAwwRZXhhbXBsZSBhdXRob3JpdHkwIBcNMTkwNjAxMDAwMDAwWhgPMjExOTAxMDEwMDAwMDBaMBkxFzAVBgNVBAMMDmV4YW1wbGUgc2lnbmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESa1tcaKtej+Z9hjynw5WSR1Cy49yJNSe8ZARk9CdFNmh4zzWe0nA2TUKKNYZL5a4Wz8waco9tUk/u2sLAwc3XqNYMFYwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwMwIQYDVR0RBBowGIEWc2lnbmVyQGV4YW1wbGUuaW52YWxpZDAKBggqhkjOPQQDAgNIADBFAiEA+bstqL+Dxb4ANuasRwOL1KGJn3MXdOBWz35Se/Ys9nACIA7CmRlqFTlkCJW59FLZ4d+O8fYhj52CY7W6jw6WgU0O"
    }
   ]
  },
  "tlogEntries": []
 },
 "dsseEnvelope": {
  "payload": "eyJfdHlwZSI6ICJodHRwczovL2luLXRvdG8uaW8vU3RhdGVtZW50L3YxIiwgInN1YmplY3QiOiBbeyJuYW1lIjogIm1vZGVsIiwgImRpZ2VzdCI6IHsic2hhMjU2IjogImZmMjI5ZjRlOTcyMmZlMjI5YzhmMjE2NTU0OWI1MmY1Y2QyYmRlYTczYjBiODMwZGJlYzE1ZWIwODk1ZmM3MWEifX1dLCAicHJlZGljYXRlVHlwZSI6ICJodHRwczovL21vZGVsX3NpZ25pbmcvc2lnbmF0dXJlL3YxLjAiLCAicHJlZGljYXRlIjogeyJzZXJpYWxpemF0aW9uIjogeyJtZXRob2QiOiAiZmlsZXMiLCAiaGFzaF90eXBlIjogInNoYTI1NiIsICJhbGxvd19zeW1saW5rcyI6IGZhbHNlLCAiaWdub3JlX3BhdGhzIjogWyIuZ2l0IiwgIm1vZGVsLnNpZyJdfSwgInJlc291cmNlcyI6IFt7Im5hbWUiOiAiY29uZmlnLmpzb24iLCAiYWxnb3JpdGhtIjogInNoYTI1NiIsICJkaWdlc3QiOiAiNjEwMmI3Yjk3N2FmNDUyYmEyOTczMDA1YzRkNTFlN2M5Y2Y5Yjc4ODU1N2ZjZjdkYWIzNTg1Yjk4Y2RhMTZmZSJ9XX19",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
   {
    "sig": "MEUCIQDv1u7dn0BlWiq2LzCW1GdbEE41/t3x/UM+203kRLg8FgIgITnAKJwHj4ypQ+2CkY04IOIZOb5XY4U3bCBnhp9WAGY=",
    "keyid": ""
   }
  ]
 }
}
