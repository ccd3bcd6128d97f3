"""The API of Tencent Cloud SES, version 2020-10-02, mapped to the use cases of this project."""
